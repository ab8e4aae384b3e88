"""GET /metrics as Prometheus reads it: names of the conventions, any text as a label, a bounded page."""

from __future__ import annotations

import asyncio
import time

import pytest
from msgspec.structs import replace
from tests.server.support import spans
from tests.server.support.batches import Program
from tests.server.support.collector import Collector
from tests.server.support.metrics_page import labelled, parsed, shop

from tenure import wire
from tenure_server.metrics import meters

HEALTH = ("tenure_batches", "tenure_lifecycles", "tenure_queued", "tenure_processes", "tenure_live", "tenure_dropped")


async def page(collector: Collector) -> dict:
    """The samples of resources."""
    found = parsed(await collector.answer("/metrics"))
    return {name: series for name, series in found.items() if not name.startswith(HEALTH)}


async def test_a_pool_of_connections_is_told_by_the_conventions_and_others_as_resources(collector: Collector) -> None:
    """Each metric that issue 4 names, with its unit at its end and whose it is; none that nobody knows."""
    program = shop()
    batch = program.batch()
    await collector.post(replace(batch, pools=[wire.Pool(0, 0, 5, [30_000_000])]))
    found = await page(collector)

    whose = {"service_name": "shop", "service_instance_id": program.hex}
    pool = {**whose, "db_client_connection_pool_name": "Pool orders"}
    lock = {**whose, "tenure_resource_kind": "shop.Lock", "tenure_resource_name": "stock"}
    plain = {name: series for name, series in found.items() if not name.endswith("_bucket")}
    assert {name: labelled(series, **(pool if name.startswith("db_") else lock)) for name, series in plain.items()} == {
        "db_client_connection_wait_time_seconds_count": {(): 3},
        "db_client_connection_wait_time_seconds_sum": {(): 0.024},
        "db_client_connection_use_time_seconds_count": {(): 2},
        "db_client_connection_use_time_seconds_sum": {(): 0.05},
        "db_client_connection_create_time_seconds_count": {(): 1},
        "db_client_connection_create_time_seconds_sum": {(): 0.03},
        "db_client_connection_count": {
            (("db_client_connection_state", "idle"),): 0,
            (("db_client_connection_state", "used"),): 2,
        },
        "db_client_connection_idle_max": {(): 5},
        "db_client_connection_max": {(): 2},
        "db_client_connection_pending_requests": {(): 1},
        "db_client_connection_timeouts_total": {(): 1},
        "tenure_resource_wait_time_seconds_count": {(): 1},
        "tenure_resource_wait_time_seconds_sum": {(): 0.00005},
        "tenure_resource_hold_time_seconds_count": {(): 1},
        "tenure_resource_hold_time_seconds_sum": {(): 0.7},
        "tenure_resource_release_time_seconds_count": {(): 1},
        "tenure_resource_release_time_seconds_sum": {(): 0.001},
        "tenure_resource_open": {(): 0},
        "tenure_resource_waiting": {(): 0},
        "tenure_resource_missed_total": {(): 0},
    }
    buckets = labelled(found["db_client_connection_wait_time_seconds_bucket"], **pool)
    assert buckets == {
        (("le", bound),): count
        for bound, count in [
            ("0.0001", 0), ("0.0005", 0), ("0.001", 0), ("0.005", 2), ("0.01", 2), ("0.05", 3), ("0.1", 3), ("0.5", 3),
            ("1.0", 3), ("5.0", 3), ("10.0", 3), ("60.0", 3), ("+Inf", 3),
        ]
    }  # fmt: skip


async def test_what_no_library_tells_is_not_told(collector: Collector) -> None:
    """Idle connections and how they were made are no guess of ours."""
    await collector.post(shop().batch())
    found = await page(collector)
    assert not [name for name in found if "create_time" in name or "idle" in name]
    assert [dict(labels)["db_client_connection_state"] for labels in found["db_client_connection_count"]] == ["used"]


@pytest.mark.parametrize(
    "name",
    [
        'say "no"',
        "back\\slash",
        "two\nlines",
        "Bestände 🗄",
        "# HELP x y",
        'a="b"} 1',
        "\t ",
        "\r",
        "\0",
        "le",
        "x" * 4_000,
    ],
)
async def test_any_name_is_a_label_and_nothing_else(collector: Collector, name: str) -> None:
    """Names come from programs: whatever they say, Prometheus reads them back as they are."""
    program = Program(service=name)
    program.resource("Lock")
    program.resources["odd"] = wire.Resource(2, f"shop.{name}", name, 3, "database")
    program.use("main", "odd", acquire=0, wait=1)
    await collector.post(program.batch())

    (labels,) = (await page(collector))["db_client_connection_pending_requests"]
    assert dict(labels)["service_name"] == name
    assert dict(labels)["db_client_connection_pool_name"].endswith(name)


async def test_what_would_be_called_the_same_is_one_series(collector: Collector) -> None:
    """Prometheus refuses a page that tells a series twice."""
    program = Program()
    for number, (kind, name) in enumerate([("shop.Pool", "orders"), ("bank.Pool", "orders"), ("shop.Pool", "pool")], 1):
        program.resources[f"{kind} {name}"] = wire.Resource(number, kind, name, number, "database")
        program.use("main", f"{kind} {name}", acquire=0, wait=1)
    program.resources["plain"] = wire.Resource(4, "shop.Pool", "", 4, "database")
    program.use("main", "plain", acquire=0, wait=1)
    await collector.post(program.batch())
    found = (await page(collector))["db_client_connection_max"]
    assert {dict(labels)["db_client_connection_pool_name"]: value for labels, value in found.items()} == {
        "Pool orders": 3,
        "Pool": 7,
    }


async def test_thousands_of_resources_are_a_bounded_page(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the limit one point a process has all the rest, by the attribute that OpenTelemetry has for it."""
    monkeypatch.setattr(meters, "MAX_MEASURED", 5)
    for number in (1, 2):
        program = Program(number)
        for name in range(2_000):
            program.use("main", f"Lock {name}", acquire=0, wait=1)
        await collector.post(program.batch())
    found = await page(collector)

    assert len(found["tenure_resource_open"]) == 7
    told = found["tenure_resource_wait_time_seconds_count"]
    assert sum(told.values()) == 4_000
    over = labelled(told, otel_metric_overflow="true")
    assert {dict(labels)["service_instance_id"]: value for labels, value in over.items()} == {
        Program(1).hex: 1_995,
        Program(2).hex: 2_000,
    }
    assert all("tenure_resource_name" not in dict(labels) for labels in over)


async def test_a_process_that_restarts_has_series_of_its_own(collector: Collector) -> None:
    """The dead one's are told no more: its last values would look as if they still held."""
    for number, final in ((1, True), (2, False)):
        await collector.post(shop(number).batch(final=final))
    found = (await page(collector))["tenure_resource_open"]
    assert [dict(labels)["service_instance_id"] for labels in found] == [Program(2).hex]


async def test_spans_of_others_are_not_measured(collector: Collector) -> None:
    """Who sends them has metrics of its own."""
    await spans.give(
        collector, spans.group("bank", spans.span(1, "SELECT", begin=0, end=5, db_system_name="postgresql"))
    )
    assert await page(collector) == {}


async def test_what_tracers_lost_is_counted_once_and_outlives_them(collector: Collector) -> None:
    """Their counts grow from batch to batch; the collector's grow by what is new."""
    program = shop()
    await collector.post(program.batch(dropped={"full": 2}))
    await collector.post(program.batch(dropped={"full": 5, "fault": 1}, final=True))
    await collector.post(shop(2).batch(dropped={"full": 1}))
    found = parsed(await collector.answer("/metrics"))["tenure_dropped_total"]
    assert found == {(("reason", "fault"),): 1, (("reason", "full"),): 6}


async def test_a_page_is_packed_for_whoever_takes_it(collector: Collector) -> None:
    """Prometheus says that it takes gzip; both forms are the same page."""
    await collector.post(shop().batch())
    pages = []
    for encoding in ("gzip", "identity"):
        async with collector.session.get(f"{collector.url}/metrics", headers={"Accept-Encoding": encoding}) as answer:
            assert answer.headers.get("Content-Encoding", "identity") == encoding
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            pages.append(parsed(await answer.text()))
    assert pages[0] == pages[1]


async def test_a_watcher_may_ask_for_the_head_alone(collector: Collector) -> None:
    """As of every address."""
    async with collector.session.head(f"{collector.url}/metrics") as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def test_the_loop_goes_on_while_a_page_is_made(collector: Collector) -> None:
    """Making a page of thousands of series takes long; a request meanwhile does not wait for its end."""
    program = Program()
    for name in range(1_000):
        program.use("main", f"Lock {name}", acquire=0, wait=1)
    await collector.post(program.batch())
    making = asyncio.create_task(collector.answer("/metrics"))
    turns = 0
    while not making.done():
        await asyncio.sleep(0.001)
        turns += 1
    began = time.perf_counter()
    await collector.answer("/metrics")
    seconds = time.perf_counter() - began
    assert turns > seconds / 0.25, f"{turns} turns in about {seconds:.2f} s"
