"""Metrics sent to a real OTLP receiver, decoded by OpenTelemetry's own classes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from google.protobuf.json_format import MessageToDict
from msgspec.structs import replace
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ResourceMetrics
from tests.server.support.batches import START_NS, Program, at
from tests.server.support.collector import Clock, Collector, collecting
from tests.server.support.metrics_page import counts, shop
from tests.server.support.otlp_backend import Backend
from tests.support.waiting import until

from tenure import wire
from tenure_server.export.targets import Target
from tenure_server.metrics import meters, snapshot
from tenure_server.settings import Settings
from tenure_server.store.histogram import BOUNDS_S


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A push follows the other, each with what is so then."""
    monkeypatch.setattr(meters, "EXPORT_METRICS_S", 0.05)
    monkeypatch.setattr(snapshot, "_MAX_AGE_S", 0.01)


@asynccontextmanager
async def pushing(backend: Backend, *others: Backend, clock: Clock, **headers: str) -> AsyncIterator[Collector]:
    targets = tuple(Target.parse(each.url, headers=headers) for each in (backend, *others))
    async with collecting(Settings(port=0, otlp=targets), clock=clock) as collector:
        yield collector


def resource(group: ResourceMetrics) -> dict[str, object]:
    return {one.key: one.value.string_value or one.value.int_value for one in group.resource.attributes}


def groups(backend: Backend, service: str) -> list[ResourceMetrics]:
    """What the newest push tells of this service, its processes in turn."""
    return [group for group in backend.metrics[-1].resource_metrics if resource(group)["service.name"] == service]


def named(group: ResourceMetrics) -> dict[str, Metric]:
    return {metric.name: metric for scope in group.scope_metrics for metric in scope.metrics}


async def next_push(backend: Backend) -> None:
    backend.got_metrics.clear()
    before = len(backend.metrics)
    async with asyncio.timeout(15):
        while len(backend.metrics) < before + 2:  # the one that may be under way was read before
            backend.got_metrics.clear()
            await backend.got_metrics.wait()


async def test_a_backend_gets_the_metrics_of_each_process_as_a_resource(clock: Clock, backend: Backend) -> None:
    """As cumulative sums and histograms since the process began, by names, units and types of the conventions."""
    one, other = shop(), Program(2, service="bank")
    other.use("main", "Lock stock", acquire=0, wait=1)
    async with pushing(backend, clock=clock) as collector:
        batch = one.batch()
        await collector.post(replace(batch, pools=[wire.Pool(0, 0, 5, [30_000_000])]))
        await collector.post(other.batch())
        await next_push(backend)

    (group,) = groups(backend, "shop")
    found = named(group)
    assert resource(group)["service.instance.id"] == one.hex
    assert [resource(each)["service.instance.id"] for each in groups(backend, "bank")] == [other.hex]
    assert {name: (metric.WhichOneof("data"), metric.unit) for name, metric in found.items()} == {
        "db.client.connection.wait_time": ("histogram", "s"),
        "db.client.connection.use_time": ("histogram", "s"),
        "db.client.connection.create_time": ("histogram", "s"),
        "db.client.connection.count": ("sum", "{connection}"),
        "db.client.connection.idle.max": ("sum", "{connection}"),
        "db.client.connection.max": ("sum", "{connection}"),
        "db.client.connection.pending_requests": ("sum", "{request}"),
        "db.client.connection.timeouts": ("sum", "{timeout}"),
        "tenure.resource.wait_time": ("histogram", "s"),
        "tenure.resource.hold_time": ("histogram", "s"),
        "tenure.resource.release_time": ("histogram", "s"),
        "tenure.resource.open": ("sum", "{lifecycle}"),
        "tenure.resource.waiting": ("sum", "{lifecycle}"),
        "tenure.resource.missed": ("sum", "{lifecycle}"),
    }
    assert MessageToDict(found["db.client.connection.timeouts"]) == {
        "name": "db.client.connection.timeouts", "unit": "{timeout}", "description": "Waits that ended in a timeout.",
        "sum": {
            "dataPoints": [{
                "startTimeUnixNano": str(START_NS), "timeUnixNano": str(at(1_000)), "asInt": "1",
                "attributes": [
                    {"key": "db.client.connection.pool.name", "value": {"stringValue": "Pool orders"}},
                ],
            }],
            "aggregationTemporality": "AGGREGATION_TEMPORALITY_CUMULATIVE", "isMonotonic": True,
        },
    }  # fmt: skip
    assert not found["db.client.connection.max"].sum.is_monotonic
    (point,) = found["db.client.connection.wait_time"].histogram.data_points
    assert (point.count, point.sum, list(point.bucket_counts)) == (3, 0.024, counts(up_to_0_005=2, up_to_0_05=1))
    assert list(point.explicit_bounds) == list(BOUNDS_S)
    assert not point.HasField("min")


async def test_the_collector_tells_of_itself_too(clock: Clock, backend: Backend) -> None:
    """By instruments of the SDK: what it took in, what it turned away, how far its exporters are."""
    async with pushing(backend, clock=clock) as collector:
        await collector.post(shop().batch(dropped={"full": 3}))
        await collector.send(b"")

        async def has_exported() -> bool:
            return (await collector.answer("/api/exporters"))["items"][0]["exported"] == 4

        await until(has_exported)
        await next_push(backend)

    (group,) = groups(backend, "tenure-server")
    found = named(group)
    values = {
        (name, *(attribute.value.string_value for attribute in point.attributes)): point.as_int or point.as_double
        for name, metric in found.items()
        for point in getattr(metric, metric.WhichOneof("data")).data_points
    }
    url = f"{backend.url}/v1/traces"
    assert values == {
        ("tenure.batches",): 1,
        ("tenure.batches.repeated",): 0,
        ("tenure.lifecycles",): 7,
        ("tenure.refused", "malformed"): 1,
        ("tenure.dropped", "full"): 3,
        ("tenure.queued.batches",): 0,
        ("tenure.queued.lifecycles",): 0,
        ("tenure.processes.alive",): 1,
        ("tenure.live.clients",): 0,
        ("tenure.exported", url): 4,
        ("tenure.export.lost", url, "rejected"): 0,
        ("tenure.export.lost", url, "refused"): 0,
        ("tenure.export.lost", url, "expired"): 0,
        ("tenure.export.retries", url): 0,
        ("tenure.export.waiting", url): 0,
        ("tenure.export.lag", url): 0,
    }


async def test_what_a_backend_missed_the_next_push_tells(
    clock: Clock, backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    """Counts are cumulative, so nothing is lost; a failure is said once, with its reason, and again after a success."""
    backend.metrics_answer = 404
    async with pushing(backend, clock=clock) as collector:
        await collector.post(shop().batch())
        await until(lambda: len(backend.metrics) >= 4)
        backend.metrics_answer = 200
        await next_push(backend)
        (point,) = named(groups(backend, "shop")[0])["tenure.resource.hold_time"].histogram.data_points
        assert point.count == 1
        backend.metrics_answer = 400
        before = len(backend.metrics)
        await until(lambda: len(backend.metrics) >= before + 3)

    said = [record.getMessage() for record in caplog.records if record.name == "tenure.server"]
    what = f"exporter {backend.url}/v1/metrics did not accept metrics, which are sent again: Failed to export metrics"
    assert said == [f"{what} batch code: 404, reason: Not Found", f"{what} batch code: 400, reason: Bad Request"]


async def test_headers_go_to_the_backend_and_nowhere_else(clock: Clock, backend: Backend) -> None:
    """They may hold a key; an answer that points elsewhere is not followed."""
    backend.metrics_answer = "elsewhere"
    async with pushing(backend, clock=clock, **{"api-key": "secret"}) as collector:
        await collector.post(shop().batch())
        await until(lambda: len(backend.metrics) >= 2)
        backend.metrics_answer = 200
        await next_push(backend)
    assert {headers["api-key"] for headers in backend.metrics_headers} == {"secret"}


async def test_a_backend_that_never_answers_keeps_nobody_waiting(
    clock: Clock, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the programs that send nor the collector's end."""
    monkeypatch.setattr(meters, "EXPORT_LAST_S", 0.5)
    backend.metrics_answer = "never"
    async with pushing(backend, clock=clock) as collector:
        await until(lambda: backend.metrics)
        began = time.monotonic()
        await collector.post(shop().batch())
        assert time.monotonic() - began < 2
        began = time.monotonic()
    assert time.monotonic() - began < 0.5 + 3


async def test_the_last_push_is_at_the_collectors_end(
    clock: Clock, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happened since the last one is told before it goes."""
    monkeypatch.setattr(meters, "EXPORT_METRICS_S", 600)
    monkeypatch.setattr(meters, "EXPORT_LAST_S", 30)
    async with pushing(backend, clock=clock) as collector:
        await collector.post(shop().batch())
    assert [resource(group)["service.name"] for group in backend.metrics[-1].resource_metrics] == [
        "tenure-server",
        "shop",
    ]
    assert len(backend.metrics) == 1


async def test_thousands_of_points_travel_in_several_requests(
    clock: Clock, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them a request that a backend can take, together everything."""
    program = Program()
    for name in range(1_000):
        program.use("main", f"Lock {name}", acquire=0, wait=1)
    monkeypatch.setattr(meters, "EXPORT_METRICS_S", 600)
    monkeypatch.setattr(meters, "EXPORT_LAST_S", 30)
    async with pushing(backend, clock=clock) as collector:
        await collector.post(program.batch())
    points = [
        len(getattr(metric, metric.WhichOneof("data")).data_points)
        for request in backend.metrics
        for group in request.resource_metrics
        if resource(group)["service.name"] == "shop"
        for metric in named(group).values()
    ]
    assert (len(backend.metrics), sum(points)) == (2, 6_000)
