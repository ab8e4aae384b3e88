"""rotel as a collector between, both ways, by HTTP and gRPC. Run by `make interop`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from tests.interop.otel.support import peers
from tests.interop.otel.support.peers import values
from tests.interop.otel.support.rotel import rotel
from tests.interop.otel.support.sdk import ReceivedSpan, pay, received_spans
from tests.interop.otel.support.shop import shop, spans_made
from tests.server.support.grpc_backend import GrpcBackend, serving_grpc
from tests.server.support.otlp_backend import Backend, serving
from tests.support.waiting import until

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("into", ["http", "grpc"])
@pytest.mark.parametrize("kind", [Backend, GrpcBackend])
async def test_spans_pass_a_collector_of_opentelemetry_s_unchanged(
    tmp_path: Path, into: str, kind: type[Backend]
) -> None:
    """Into it by HTTP or gRPC, out of it by HTTP or gRPC: every field of every span, the resource and the scope."""
    program, backend = shop(), kind()
    batch = program.batch()
    async with (
        serving_grpc(backend) if isinstance(backend, GrpcBackend) else serving(backend),
        rotel(backend.url, tmp_path) as between,
        peers.serving(tmp_path / "store.sqlite", "--otlp", getattr(between, into)) as collector,
    ):
        await collector.post(batch)
        await backend.until(5, seconds=20)
        exporter = await collector.exporter_when_done(20)

    expected = await spans_made(batch)
    assert {span.span_id: span for span in backend.spans} == {span.span_id: span for span in expected}
    resource = values(list(backend.requests[0].resource_spans[0].resource.attributes))
    assert (resource["service.name"], resource["service.instance.id"]) == ("shop", program.hex)
    assert backend.requests[0].resource_spans[0].scope_spans[0].scope.name == "tenure"
    assert (exporter["state"], exporter["exported"], exporter["retries"]) == ("ok", 5, 0)
    if kind is Backend:
        assert {headers["Content-Encoding"] for headers in backend.headers} == {"gzip"}


@pytest.mark.parametrize("into", ["http", "grpc"])
async def test_metrics_pass_it_unchanged_too(tmp_path: Path, into: str) -> None:
    """What a receiver gets through rotel is what it gets from the collector itself: each process a resource."""
    program = shop()
    program.resource("Pool measured", capacity=2, stereotype="database")
    program.use("worker-1", "Pool measured", acquire=0, wait=2, hold=30, release=1)
    async with (
        serving(Backend()) as direct,
        serving(Backend()) as behind,
        rotel(behind.url, tmp_path) as between,
    ):
        both = ("--otlp", getattr(between, into), "--otlp", direct.url)
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


@pytest.mark.parametrize("into", ["http", "grpc"])
async def test_spans_of_the_sdk_come_to_us_through_it(tmp_path: Path, into: str) -> None:
    """By the SDK's exporter of either protocol into rotel, and gzipped by HTTP out of it: as the SDK made them."""
    async with (
        peers.serving(tmp_path / "store.sqlite") as collector,
        rotel(collector.url, tmp_path) as between,
    ):
        where = between.grpc.removeprefix("grpc://")
        exporter = GrpcExporter(where, insecure=True) if into == "grpc" else HttpExporter(f"{between.http}/v1/traces")
        made = await asyncio.to_thread(pay, exporter)

        async def all_spans() -> dict[str, ReceivedSpan] | None:
            spans = await asyncio.to_thread(received_spans, collector.url, made["INSERT"].trace)
            return spans if len(spans) >= len(made) else None

        found = await until(all_spans, 20)

    assert found == made
