"""Spans of services that nobody traces, for random histories of a store."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from tenure_server.ingest.otlp import from_json
from tenure_server.ingest.otlp.batches import batches
from tenure_server.store import Spans

_LONGEST_NS = 1_000_000_000


def random_spans(random: Random, traces: Sequence[bytes], instant_ns: Callable[[], int], first: int) -> list[Spans]:
    """A request with a few spans of one or two services, numbered after ``first``; parents come before or never."""
    groups: list[dict[str, Any]] = []
    number = first
    for service in random.sample(["payment", "mail", "stock"], random.randint(1, 2)):
        spans = []
        for _ in range(random.randint(1, 4)):
            number += 1
            start_ns = instant_ns()
            spans.append(
                {
                    "traceId": random.choice(traces).hex(),
                    "spanId": f"{number:016x}",
                    "parentSpanId": random.choice(["", f"{random.randint(1, number):016x}"]),
                    "name": random.choice(["GET /", "SELECT"]),
                    "kind": random.randint(1, 3),
                    "startTimeUnixNano": str(start_ns),
                    "endTimeUnixNano": str(start_ns + random.randint(0, _LONGEST_NS)),
                    "status": {"code": random.choice([0, 2])},
                }
            )
        attributes = [{"key": "service.name", "value": {"stringValue": service}}]
        groups.append({"resource": {"attributes": attributes}, "scopeSpans": [{"spans": spans}]})
    read, _ = batches(from_json.read(json.dumps({"resourceSpans": groups}).encode()))
    return read
