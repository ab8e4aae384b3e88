"""Programs that nobody here wrote between and behind: rotel as a collector, mlflow as a backend that is queried back.

Run by `make interop`, not by `make test`: mlflow has many dependencies, and rotel wants a shared libpython of one of
few versions, so both live in an environment of their own; its Python is $TENURE_INTEROP_PYTHON.
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
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.interop.otel import peers
from tests.interop.otel.shop import shop, spans_made
from tests.server.backend import Backend, serving

QUERY = Path(__file__).with_name("mlflow_query.py")
PYTHON = os.environ["TENURE_INTEROP_PYTHON"]


@asynccontextmanager
async def rotel(target: str, directory: Path) -> AsyncIterator[str]:
    """A rotel that hands on to the target by gzipped OTLP/HTTP; its own OTLP/HTTP address."""
    asked = "import rotel, sysconfig; print(rotel.__path__[0]); print(sysconfig.get_config_var('LIBDIR'))"
    process = await asyncio.create_subprocess_exec(PYTHON, "-c", asked, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    package, libraries = out.decode().split()
    http, grpc = peers.free_port(), peers.free_port()
    process = await asyncio.create_subprocess_exec(
        *(f"{package}/rotel-agent", "start"),
        *("--otlp-http-endpoint", f"127.0.0.1:{http}", "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}"),
        *("--exporter", "otlp", "--otlp-exporter-protocol", "http", "--otlp-exporter-endpoint", target),
        *("--otlp-exporter-retry-initial-backoff", "200ms", "--batch-timeout", "100ms"),
        *("--pid-file", str(directory / "rotel.pid"), "--log-file", str(directory / "rotel.log")),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "LD_LIBRARY_PATH": libraries},
    )
    try:
        await peers.listening(http)
        yield f"http://127.0.0.1:{http}"
    finally:
        process.terminate()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


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


def values(attributes: list[KeyValue]) -> dict[str, Any]:
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in attributes}


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
        exporter = await collector.exporter_when_done(60)
        assert (exporter["exported"], exporter["refused"]) == (5, 0), exporter
        expected = await spans_made(batch)
        traces = sorted({span.trace_id.hex() for span in expected})
        found = [span for trace in traces for span in await query(backend, trace)]

    assert len(traces) == 3
    assert {span["span"]: span for span in found} == {span.span_id.hex(): as_queried(span) for span in expected}


async def test_spans_pass_a_collector_of_opentelemetry_s_unchanged(tmp_path: Path) -> None:
    """Through rotel: every field of every span, the resource and the scope."""
    program = shop()
    batch = program.batch()
    async with (
        serving(Backend()) as backend,
        rotel(backend.url, tmp_path) as between,
        peers.serving(tmp_path / "store.sqlite", "--otlp", between) as collector,
    ):
        await collector.post(batch)
        await backend.until(5, seconds=20)

    expected = await spans_made(batch)
    assert {span.span_id: span for span in backend.spans} == {span.span_id: span for span in expected}
    resource = {one.key: one.value for one in backend.requests[0].resource_spans[0].resource.attributes}
    assert resource["service.name"].string_value == "shop"
    assert resource["service.instance.id"].string_value == program.hex
    assert backend.requests[0].resource_spans[0].scope_spans[0].scope.name == "tenure"


async def test_metrics_pass_it_unchanged_too(tmp_path: Path) -> None:
    """What a receiver gets through rotel is what it gets from the collector itself: each process a resource."""
    program = shop()
    program.resource("Pool measured", capacity=2, stereotype="database")
    program.use("worker-1", "Pool measured", acquire=0, wait=2, hold=30, release=1)
    async with (
        serving(Backend()) as direct,
        serving(Backend()) as behind,
        rotel(behind.url, tmp_path) as between,
    ):
        both = ("--otlp", between, "--otlp", direct.url)
        async with peers.serving(tmp_path / "store.sqlite", *both) as collector:
            await collector.post(program.batch())
        async with asyncio.timeout(30):
            await behind.got_metrics.wait()

    assert metrics_of(behind) == metrics_of(direct)
    assert "db.client.connection.wait_time" in {name for _, name, _ in metrics_of(direct)}


def metrics_of(backend: Backend) -> list[tuple[str, str, str]]:
    """The metrics of traced processes: whose, which, and all of it as text, but for when it was read."""
    found = []
    for request in backend.metrics:
        for group in request.resource_metrics:
            whose = values(list(group.resource.attributes))
            if whose["service.name"] == "tenure-server":
                continue
            for metric in (metric for scope in group.scope_metrics for metric in scope.metrics):
                for point in getattr(metric, str(metric.WhichOneof("data"))).data_points:
                    point.time_unix_nano = 0
                found.append((whose["service.instance.id"], metric.name, str(metric)))
    return sorted(found)
