"""mlflow as a backend that is queried back.

Run by `make interop`, not by `make test`: it has many dependencies and an environment of its own, whose Python is
$TENURE_INTEROP_PYTHON.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.interop.otel.support import peers
from tests.interop.otel.support.peers import values
from tests.interop.otel.support.shop import shop, spans_made

pytestmark = pytest.mark.interop

QUERY = Path(__file__).parent / "support" / "mlflow_query.py"
PYTHON = os.environ.get("TENURE_INTEROP_PYTHON", "")


@asynccontextmanager
async def mlflow(directory: Path) -> AsyncIterator[str]:
    """Mlflow's server with a store of its own; its address."""
    port = peers.free_port()
    process = await asyncio.create_subprocess_exec(
        *(PYTHON, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{directory / 'mlflow.sqlite'}"),
        cwd=directory,
        start_new_session=True,  # it starts processes of its own
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"},
    )
    try:
        await peers.listening(port, seconds=100)
        async with (
            asyncio.timeout(60),
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/health") as answer,
        ):
            assert answer.status == 200
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        await process.wait()


async def query(url: str, trace: str) -> list[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        PYTHON, str(QUERY), url, trace, stdout=asyncio.subprocess.PIPE, env={**os.environ, "DO_NOT_TRACK": "true"}
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    found: list[dict[str, Any]] = json.loads(out)
    return found


def as_queried(span: Span) -> dict[str, Any]:
    """What mlflow's query gives for the span; it marks every span, and a link's trace, with its own prefix."""
    trace = span.trace_id.hex()
    return {
        "name": span.name,
        "trace": trace,
        "span": span.span_id.hex(),
        "parent": span.parent_span_id.hex() or None,
        "start_ns": span.start_time_unix_nano,
        "end_ns": span.end_time_unix_nano,
        "status": ["ERROR" if span.status.code else "UNSET", span.status.message],
        "attributes": {**values(list(span.attributes)), "mlflow.traceRequestId": f"tr-{trace}"},
        "events": [[event.name, event.time_unix_nano, values(list(event.attributes))] for event in span.events],
        "links": [
            [f"tr-{link.trace_id.hex()}", link.span_id.hex(), values(list(link.attributes))] for link in span.links
        ],
    }


@pytest.mark.timeout(300)
async def test_mlflow_has_what_was_exported(tmp_path: Path) -> None:
    """Ids, parents, times to the nanosecond, attributes, events, links and status, as its own client reads them."""
    program = shop()
    batch = program.batch()
    async with (
        mlflow(tmp_path) as backend,
        peers.serving(
            tmp_path / "store.sqlite", "--otlp", backend, OTEL_EXPORTER_OTLP_HEADERS="x-mlflow-experiment-id=0"
        ) as collector,
    ):
        await collector.post(batch)
        async with collector.alive(program):  # or what it holds would be abandoned while a slow backend starts
            exporter = await collector.exporter_when_done(120)
        assert (exporter["exported"], exporter["refused"]) == (5, 0), exporter
        expected = await spans_made(batch)
        traces = sorted({span.trace_id.hex() for span in expected})
        found = [span for trace in traces for span in await query(backend, trace)]

    assert len(traces) == 3
    assert {span["span"]: span for span in found} == {span.span_id.hex(): as_queried(span) for span in expected}
