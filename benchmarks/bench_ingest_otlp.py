"""Spans a second through POST /v1/traces into SQLite, and what one costs the collector.

The collector is a process of its own. It is sent what an SDK sends, gzipped requests of 512
spans over four connections; "on one core" divides by the processor time that it used, all its threads together.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import statistics
import time

import aiohttp
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from benchmarks.collector_process import CONNECTIONS, collector, cpu_seconds
from benchmarks.figure import Figure

REQUESTS, SPANS, PER_TRACE = 240, 512, 8
BOUND = "at least 60,000"
PROTOBUF, JSON = "application/x-protobuf", "application/json"

_FORMS = (
    (Span.SPAN_KIND_SERVER, "GET /orders/{id}", {"http.request.method": "GET", "http.route": "/orders/{id}"}),
    (Span.SPAN_KIND_INTERNAL, "price", {"code.function.name": "shop.price"}),
    (Span.SPAN_KIND_CLIENT, "SELECT orders", {"db.system.name": "postgresql", "db.namespace": "orders"}),
    (Span.SPAN_KIND_CLIENT, "POST", {"http.request.method": "POST", "server.address": "payment"}),
)


def requests() -> list[ExportTraceServiceRequest]:
    """Services of four instances; a trace has eight spans, the last to end is the first that began."""
    chance = random.Random(1)  # noqa: S311 -- not for secrets
    now_ns = time.time_ns()
    messages = []
    for number in range(REQUESTS):
        request = ExportTraceServiceRequest()
        group = request.resource_spans.add()
        for key, value in (("service.name", "shop"), ("service.instance.id", f"instance-{number % 4}")):
            group.resource.attributes.append(_attribute(key, value))
        scoped = group.scope_spans.add()
        scoped.scope.name = "benchmark"
        for n in range(SPANS):
            if n % PER_TRACE == 0:
                trace, root = chance.randbytes(16), chance.randbytes(8)
            is_root = n % PER_TRACE == PER_TRACE - 1
            kind, name, attributes = _FORMS[0 if is_root else 1 + n % 3]
            start_ns = (
                now_ns + number * 8_000_000 + n * 15_000 - (5_000_000 if is_root else chance.randrange(4_000_000))
            )
            scoped.spans.append(
                Span(
                    trace_id=trace,
                    span_id=root if is_root else chance.randbytes(8),
                    parent_span_id=b"" if is_root else root,
                    name=name,
                    kind=kind,
                    start_time_unix_nano=start_ns,
                    end_time_unix_nano=now_ns + number * 8_000_000 + n * 15_000,
                    attributes=[
                        *(_attribute(key, value) for key, value in attributes.items()),
                        _attribute("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)"),
                        _attribute("app.order.id", f"order-{chance.randrange(1 << 30)}"),
                    ],
                    flags=0x100,
                )
            )
        messages.append(request)
    return messages


def _attribute(key: str, value: str) -> KeyValue:
    attribute = KeyValue(key=key)
    attribute.value.string_value = value
    return attribute


def figures() -> list[Figure]:
    """Each figure is the middle of three runs into a fresh store."""
    messages = requests()
    binary = [gzip.compress(message.SerializeToString(), 1) for message in messages]
    text = [gzip.compress(_json(message), 1) for message in messages]
    wall, core = zip(*(asyncio.run(_run(binary, PROTOBUF)) for _ in range(3)), strict=True)
    _, core_of_json = zip(*(asyncio.run(_run(text, JSON)) for _ in range(3)), strict=True)
    return [
        Figure("spans stored, on one core of the collector's", statistics.median(core), "spans/s", BOUND),
        Figure("spans stored, by the clock", statistics.median(wall), "spans/s", ""),
        Figure("spans from JSON stored, on one core", statistics.median(core_of_json), "spans/s", ""),
    ]


def _json(request: ExportTraceServiceRequest) -> bytes:
    """By OTLP's mapping, which has ids in hex."""
    plain = MessageToDict(request, use_integers_for_enums=True)
    for group, spans in zip(plain["resourceSpans"], request.resource_spans, strict=True):
        for span, source in zip(group["scopeSpans"][0]["spans"], spans.scope_spans[0].spans, strict=True):
            span.update(
                traceId=source.trace_id.hex(), spanId=source.span_id.hex(), parentSpanId=source.parent_span_id.hex()
            )
    return json.dumps(plain).encode()


async def _run(bodies: list[bytes], content_type: str) -> tuple[float, float]:
    """Spans a second by the clock, and by processor time."""
    headers = {"Content-Type": content_type, "Content-Encoding": "gzip"}
    async with collector() as running, aiohttp.ClientSession(headers=headers) as session:

        async def send(share: list[bytes]) -> None:
            for body in share:
                async with session.post(f"{running.url}/v1/traces", data=body) as answer:
                    assert answer.status == 200, await answer.text()
                    assert await answer.read() in {b"", b"{}"}

        await send(bodies[:20])
        cpu = await cpu_seconds(running)
        began = time.perf_counter()
        await asyncio.gather(*(send(bodies[20 + n :: CONNECTIONS]) for n in range(CONNECTIONS)))
        took = time.perf_counter() - began
        cpu = await cpu_seconds(running) - cpu
    stored = (len(bodies) - 20) * SPANS
    return stored / took, stored / cpu
