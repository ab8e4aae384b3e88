"""Metrics of resources: what is measured, how Prometheus reads it and how backends get it."""

from __future__ import annotations

import asyncio

import pytest
from google.protobuf.json_format import MessageToDict
from tests.server.backend import Backend
from tests.server.batches import CANCELLED, START_NS, Program, at
from tests.server.collector import Clock, Collector, collecting

from tenure_server.export.metrics import MetricsPusher
from tenure_server.export.sender import Sender, Target, for_metrics
from tenure_server.measuring import BOUNDS_S, Spread, metrics, spread
from tenure_server.settings import Settings
from tenure_server.store import Store
from tenure_server.store.histogram import bucket

MS = 1_000_000
POOL, LOCK = "Pool orders", "Lock stock"


def shop() -> Program:
    """A pool of two connections that is full, with one who waits and one who gave up; a lock; a lock of its name."""
    program = Program()
    program.resource(POOL, capacity=2, stereotype="database")
    program.use("worker-1", POOL, acquire=0, wait=2, hold=30, release=0)
    program.use("worker-2", POOL, acquire=0, wait=2)
    program.use("worker-3", POOL, acquire=0, wait=20, hold=20)
    program.use("worker-4", POOL, acquire=50)
    program.use("worker-5", POOL, acquire=50, release=10, acquire_outcome=CANCELLED, release_outcome=0)
    program.use("worker-1", LOCK, acquire=0, wait=0.05, hold=700, release=1)
    return program


async def measured(store: Store) -> dict[str, list[tuple[dict[str, str], int | list[int]]]]:
    """Each metric's points: attributes, and the number or the counts in the buckets."""
    return {
        metric.name: [
            (point.attributes, point.value.counts if isinstance(point.value, Spread) else point.value)
            for point in metric.points
        ]
        for metric in metrics(await store.measures(100))
    }


def counts(**bounds: int) -> list[int]:
    """The counts of a spread: up_to_0_005=2."""
    found = {float(name.removeprefix("up_to_").replace("_", ".")): count for name, count in bounds.items()}
    return [found.get(bound, 0) for bound in (*BOUNDS_S, float("inf"))]


async def test_a_pool_of_connections_is_measured_by_the_conventions_and_others_as_resources(store: Store) -> None:
    """Who waits now, who waited in vain, who has it, and how long it took."""
    await store.write(shop().batch())
    pool = {"db.client.connection.pool.name": "Pool orders"}
    lock = {"tenure.resource.kind": "shop.Lock", "tenure.resource.name": "stock"}

    assert await measured(store) == {
        "db.client.connection.wait_time": [(pool, counts(up_to_0_005=2, up_to_0_05=1))],
        "db.client.connection.use_time": [(pool, counts(up_to_0_05=2))],
        "db.client.connection.count": [({**pool, "db.client.connection.state": "used"}, 2)],
        "db.client.connection.max": [(pool, 2)],
        "db.client.connection.pending_requests": [(pool, 1)],
        "db.client.connection.timeouts": [(pool, 1)],
        "tenure.resource.wait_time": [(lock, counts(up_to_0_0001=1))],
        "tenure.resource.hold_time": [(lock, counts(up_to_1_0=1))],
        "tenure.resource.open": [(lock, 0)],
        "tenure.resource.waiting": [(lock, 0)],
        "tenure.resource.missed": [(lock, 0)],
    }


async def test_resources_of_a_kind_and_a_name_are_one_and_dead_processes_none(store: Store, clock: Clock) -> None:
    """There are no more series than names; each living process has its own."""
    one, other, dead = Program(1), Program(2), Program(3)
    for program in (one, other, dead):
        program.resources["second"] = program.resource(LOCK)
        program.resources["second"] = type(program.resource(LOCK))(2, "shop.Lock", "stock", 1, "control")
        for resource in (LOCK, "second"):
            program.use("main", resource, acquire=0, wait=0, hold=1)
        await store.write(program.batch(final=program is dead))

    (found,) = [metric for metric in metrics(await store.measures(100)) if metric.name == "tenure.resource.open"]

    assert sorted((point.process.id, point.value) for point in found.points) == [(one.hex, 2), (other.hex, 2)]


@pytest.mark.parametrize("seconds", [0.0, 0.00005, 0.0001, 0.003, 0.2, 59.0, 3_600.0])
def test_a_duration_is_counted_up_to_the_next_bound(seconds: float) -> None:
    """The store's buckets are fine enough; the sum is within the width of one."""
    (counted, total) = spread({bucket(round(seconds * 1e9)): 3})

    place = counted.index(3)
    assert sum(counted) == 3
    assert place == len(BOUNDS_S) or seconds <= BOUNDS_S[place] * 1.025
    assert place == 0 or seconds > BOUNDS_S[place - 1] / 1.025
    assert total == pytest.approx(3 * seconds, rel=0.025, abs=1e-8)


async def test_prometheus_reads_them(collector: Collector) -> None:
    """Histograms are cumulative, in seconds, and the process is told by labels."""
    program = shop()
    await collector.post(program.batch())
    status, text = await collector.get("/metrics")

    labels = f'db_client_connection_pool_name="Pool orders",service_instance_id="{program.hex}",service_name="shop"'
    lines = set(text.splitlines())
    assert status == 200
    assert {
        f"db_client_connection_wait_time_seconds_bucket{{{part}}} {count}"
        for part, count in [
            (labels.replace(",service_instance", ',le="0.001",service_instance'), 0.0),
            (labels.replace(",service_instance", ',le="0.005",service_instance'), 2.0),
            (labels.replace(",service_instance", ',le="+Inf",service_instance'), 3.0),
        ]
    } <= lines
    assert f"db_client_connection_wait_time_seconds_count{{{labels}}} 3.0" in lines
    assert f"db_client_connection_pending_requests{{{labels}}} 1.0" in lines
    assert f"db_client_connection_timeouts_total{{{labels}}} 1.0" in lines
    assert "# TYPE tenure_resource_hold_time_seconds histogram" in lines


async def test_a_backend_gets_them(store: Store, clock: Clock, backend: Backend) -> None:
    """As cumulative sums and histograms, each process a resource, from its start until now."""
    program = shop()
    await store.write(program.batch())
    pusher = MetricsPusher(store, Sender(for_metrics(Target.parse(backend.url))), clock)
    task = asyncio.create_task(pusher.run())
    async with asyncio.timeout(10):
        await backend.got_metrics.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    (group,) = backend.metrics[0].resource_metrics
    resource = {one.key: one.value.string_value or one.value.int_value for one in group.resource.attributes}
    found = {metric.name: metric for metric in group.scope_metrics[0].metrics}
    assert (resource["service.name"], resource["service.instance.id"]) == ("shop", program.hex)
    assert set(found) == set(await measured(store))
    assert MessageToDict(found["db.client.connection.timeouts"]) == {
        "name": "db.client.connection.timeouts", "unit": "{timeout}", "description": "Waits that ended without one.",
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
    assert (point.count, list(point.bucket_counts)) == (3, counts(up_to_0_005=2, up_to_0_05=1))
    assert list(point.explicit_bounds) == list(BOUNDS_S)
    assert point.sum == pytest.approx(0.024, rel=0.025)


async def test_a_backend_that_takes_no_metrics_is_asked_once(
    clock: Clock, backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said, and spans go on."""
    backend.takes_metrics = False
    async with collecting(Settings(port=0, otlp=(Target.parse(backend.url),)), clock=clock) as collector:
        task = asyncio.create_task(
            MetricsPusher(collector.store, Sender(for_metrics(Target.parse(backend.url))), clock, 0.01).run()
        )
        await collector.post(shop().batch())
        await backend.until(3)
        async with asyncio.timeout(10):
            await task

    assert len(backend.metrics) == 1
    assert f"exporter {backend.url}/v1/metrics takes no metrics, they are not sent to it: 404" in caplog.text
