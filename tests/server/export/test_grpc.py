"""Exporting over gRPC: the same bytes, retries as the specification says, exact counts at the end."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from types import ModuleType

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.server.support.batches import Program
from tests.server.support.collector import Clock, collecting
from tests.server.support.exporters import ended, exporting, status_when
from tests.server.support.grpc_backend import Code, GrpcBackend, serving_grpc
from tests.server.support.otlp_backend import Backend
from tests.support.waiting import until

from tenure_server.errors import UsageError
from tenure_server.export.grpc import retry_delay
from tenure_server.export.responses import Refused
from tenure_server.export.sender import sender_to
from tenure_server.export.targets import Target, parse_headers
from tenure_server.metrics import meters, snapshot
from tenure_server.settings import Settings
from tenure_server.store import Store


@pytest.fixture
async def grpc_backend() -> AsyncIterator[GrpcBackend]:
    """A backend that takes everything."""
    async with serving_grpc(GrpcBackend()) as running:
        yield running


async def test_both_protocols_carry_the_same_request(clock: Clock, grpc_backend: GrpcBackend, backend: Backend) -> None:
    """Of one collector with a backend of each kind; headers are metadata, and the API tells of both."""
    headers = parse_headers("X-Team=shop%20floor")
    targets = [Target.parse(url.replace("://", "://shop:p%40ss@"), headers) for url in (grpc_backend.url, backend.url)]
    async with collecting(Settings(port=0, otlp=tuple(targets)), clock=clock) as collector:
        program = Program()
        ended(program, 3)
        await collector.post(program.batch())
        await grpc_backend.until(3)
        await backend.until(3)
        exporters = (await collector.answer("/api/exporters"))["items"]

    assert grpc_backend.requests == backend.requests
    metadata = grpc_backend.headers[0]
    assert (metadata["x-team"], metadata["authorization"]) == ("shop floor", "Basic c2hvcDpwQHNz")
    assert [one["url"] for one in exporters] == [grpc_backend.url, f"{backend.url}/v1/traces"]


async def test_metrics_go_the_same_way(
    clock: Clock, grpc_backend: GrpcBackend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """By the SDK's own exporter: of traced processes and of the collector; a failure is said once, with its reason."""
    monkeypatch.setattr(meters, "EXPORT_METRICS_S", 0.05)
    monkeypatch.setattr(snapshot, "_MAX_AGE_S", 0.01)
    grpc_backend.metrics_answer = 501
    target = Target.parse(grpc_backend.url, parse_headers("X-Team=shop"))
    async with collecting(Settings(port=0, otlp=(target,)), clock=clock) as collector:
        program = Program()
        ended(program, 3)
        await collector.post(program.batch())
        await until(lambda: len(grpc_backend.metrics) >= 4)
        grpc_backend.metrics_answer = 200
        await grpc_backend.got_metrics.wait()

    groups = grpc_backend.metrics[-1].resource_metrics
    names = {
        next(one.value.string_value for one in group.resource.attributes if one.key == "service.name"): {
            metric.name for scope in group.scope_metrics for metric in scope.metrics
        }
        for group in groups
    }
    assert set(names) == {"shop", "tenure-server"}
    assert "tenure.resource.wait_time" in names["shop"]
    assert {headers["x-team"] for headers in grpc_backend.metrics_headers} == {"shop"}
    said = [record.getMessage() for record in caplog.records if record.name == "tenure.server"]
    what = f"exporter {grpc_backend.url} did not accept metrics, which are sent again: Failed to export metrics to"
    why = "error code: StatusCode.UNIMPLEMENTED, error details: no metrics here"
    assert said == [f"{what} {grpc_backend.url.removeprefix('grpc://')}, {why}"]


@pytest.mark.parametrize(
    "code", ["CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"]
)
async def test_a_code_that_may_pass_is_tried_again(
    store: Store, clock: Clock, grpc_backend: GrpcBackend, code: str
) -> None:
    """With pauses of our own, and nothing is lost."""
    grpc_backend.codes = [Code(grpc.StatusCode[code])] * 3
    async with exporting(store, clock, grpc_backend.url) as exporters:
        program = Program()
        ended(program, 4)
        await store.write(program.batch())
        told = await status_when(exporters, lambda status: status.exported == 4 and status.waiting == 0)

    assert (told.state, told.retries, told.last_error) == ("ok", 3, f"{code} not today")
    assert [len(grpc_backend.requests), set(grpc_backend.taken.values())] == [4, {1}]


async def test_a_backend_that_asks_for_time_is_given_it(store: Store, clock: Clock, grpc_backend: GrpcBackend) -> None:
    """RESOURCE_EXHAUSTED and UNAVAILABLE with a RetryInfo: the very same request comes again, not earlier."""
    grpc_backend.codes = [
        Code(grpc.StatusCode.RESOURCE_EXHAUSTED, after_s=1.0), Code(grpc.StatusCode.UNAVAILABLE, after_s=0.5),
    ]  # fmt: skip
    async with exporting(store, clock, grpc_backend.url) as exporters:
        program = Program()
        ended(program, 4)
        await store.write(program.batch())
        status = await status_when(exporters, lambda status: status.exported == 4 and status.waiting == 0)

    first, second, third = grpc_backend.instants
    assert (second - first >= 1.0, third - second >= 0.5) == (True, True)
    assert grpc_backend.requests[0] == grpc_backend.requests[1] == grpc_backend.requests[2]
    assert (status.retries, grpc_backend.taken.total()) == (2, 4)


@pytest.mark.parametrize("code", ["RESOURCE_EXHAUSTED", "UNAUTHENTICATED", "UNIMPLEMENTED", "INTERNAL", "UNKNOWN"])
async def test_a_request_that_is_refused_is_not_sent_again(
    store: Store, clock: Clock, grpc_backend: GrpcBackend, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """RESOURCE_EXHAUSTED without a RetryInfo among them; the loss is counted and said, and the next one is sent."""
    grpc_backend.codes = [Code(grpc.StatusCode[code])]
    async with exporting(store, clock, grpc_backend.url) as exporters:
        program = Program()
        ended(program, 4)
        await store.write(program.batch())
        refused = await status_when(exporters, lambda status: status.refused == 4 and status.waiting == 0)
        ended(program, 2)
        await store.write(program.batch())
        told = await status_when(exporters, lambda status: status.exported == 2 and status.waiting == 0)

    assert (refused.state, refused.last_error) == ("refusing", f"{code} not today")
    assert (told.state, told.refused, len(grpc_backend.requests)) == ("ok", 4, 2)
    assert f"refused 4 spans, which are not sent again: {code} not today" in caplog.text


async def test_what_a_partial_success_rejects_is_counted_and_not_sent_again(
    store: Store, clock: Clock, grpc_backend: GrpcBackend
) -> None:
    """The rest was taken."""
    grpc_backend.answers = [3]
    async with exporting(store, clock, grpc_backend.url) as exporters:
        program = Program()
        ended(program, 10)
        await store.write(program.batch())
        await grpc_backend.until(7)
        status = await status_when(exporters, lambda status: status.exported == 7 and status.waiting == 0)

    assert (status.state, status.rejected, status.last_error, len(grpc_backend.requests)) == ("ok", 3, "too old", 1)


async def test_a_message_over_the_backend_s_limit_is_halved(store: Store, clock: Clock) -> None:
    """As gRPC itself answers it, with no RetryInfo; nothing is lost."""
    async with (
        serving_grpc(GrpcBackend(), largest=3_000) as small,
        exporting(store, clock, small.url) as exporters,
    ):
        program = Program()
        ended(program, 8)
        await store.write(program.batch())
        status = await status_when(exporters, lambda status: status.exported == 8 and status.waiting == 0)

    assert (status.state, status.refused, status.retries) == ("ok", 0, 0)
    assert (len(small.requests) > 1, set(small.taken.values())) == (True, {1})


async def test_requests_are_gzipped() -> None:
    """What the backend says of one that is small as it comes, and too large once it is unpacked."""
    request = ExportTraceServiceRequest()
    request.resource_spans.add().schema_url = "x" * 50_000
    async with serving_grpc(GrpcBackend(), largest=3_000) as small:
        sender = sender_to(Target.parse(small.url))
        answer = await sender.send(request.SerializeToString())
        await sender.close()

    assert answer == Refused("RESOURCE_EXHAUSTED Decompressed message larger than max", is_too_large=True)


@pytest.mark.parametrize(
    ("code", "details"),
    [
        ("RESOURCE_EXHAUSTED", "grpc: received message larger than max (5000000 vs. 4194304)"),
        ("RESOURCE_EXHAUSTED", "gRPC message exceeds maximum size 4194304: 5000000"),
        ("OUT_OF_RANGE", "Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes"),
    ],
)
async def test_each_implementation_s_words_for_too_large_are_known(
    store: Store, clock: Clock, grpc_backend: GrpcBackend, code: str, details: str
) -> None:
    """Go's, Java's, and tonic's, which takes a code that is otherwise tried again for ever."""
    grpc_backend.codes = [Code(grpc.StatusCode[code], details)]
    async with exporting(store, clock, grpc_backend.url) as exporters:
        program = Program()
        ended(program, 4)
        await store.write(program.batch())
        status = await status_when(exporters, lambda status: status.exported == 4 and status.waiting == 0)

    sizes = [len(request.resource_spans[0].scope_spans[0].spans) for request in grpc_backend.requests]
    assert (sizes, status.retries) == ([4, 2, 2], 0)


def test_without_grpc_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra; HTTP needs none."""

    def missing(name: str) -> ModuleType:
        raise ModuleNotFoundError("No module named 'grpc'", name="grpc")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(UsageError) as caught:
        sender_to(Target.parse("grpc://127.0.0.1:4317"))
    assert str(caught.value) == (
        "grpc://127.0.0.1:4317 needs gRPC, which is not installed (pip install 'tenure-server[grpc]', or give the"
        " backend's OTLP/HTTP address, for example http://127.0.0.1:4318)"
    )


@pytest.mark.parametrize(
    ("after_s", "pause"), [(None, None), (0.0, 0.0), (1.5, 1.5), (7_200.0, 3_600.0), (-1.0, 0.0)]
)  # fmt: skip
def test_when_to_come_again(after_s: float | None, pause: float | None) -> None:
    """As long as the RetryInfo says, never in the past nor for longer than an hour at a time."""
    found = Code(grpc.StatusCode.UNAVAILABLE, after_s=after_s).metadata
    assert retry_delay(found[0][1] if found else None) == pause


@pytest.mark.parametrize("status", [b"\xff", b"\x1a\x02\x12\x05", b"\x1a\x00", "text", b""])
def test_a_status_that_cannot_be_read_says_nothing(status: str | bytes) -> None:
    """Nor does it make the exporter stumble."""
    assert retry_delay(status) is None
