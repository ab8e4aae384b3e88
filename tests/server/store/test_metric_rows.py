"""The counters of resources in a store are exact, never decrease, and are bounded."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.server.support.batches import ERROR, MS, Program
from tests.server.support.collector import Clock
from tests.server.support.metrics_page import LOCK, POOL, counts, shop

from tenure import wire
from tenure_server import limits
from tenure_server.store import ResourceSeries, Store
from tenure_server.store.histogram import BOUNDS_S, Spread
from tenure_server.store.sqlite import SqliteStore


def spread(sum_ms: float = 0, **bounds: int) -> Spread:
    return Spread(counts(**bounds), round(sum_ms * MS))


def facts(row: ResourceSeries) -> tuple:
    return row.name, row.is_pool, row.is_overflow, row.waits.count, row.missed


async def test_durations_are_counted_where_they_fall_and_summed_up(store: Store) -> None:
    """Waits when they are over, holds when the release is called, releases when they are done; what is open beside."""
    program = shop()
    await store.write(program.batch())
    pool, lock = await store.resource_series()

    (process,) = {row.process.id for row in (pool, lock)}
    assert process == program.hex
    assert pool == ResourceSeries(
        process=pool.process,
        kind="shop.Pool",
        name="orders",
        is_pool=True,
        is_overflow=False,
        waits=spread(24, up_to_0_005=2, up_to_0_05=1),
        holds=spread(50, up_to_0_05=2),
        releases=spread(0, up_to_0_0001=1),
        creates=spread(),
        missed=2,
        timeouts=1,
        capacity=2,
        waiting=1,
        open=2,
    )
    assert lock == ResourceSeries(
        process=lock.process,
        kind="shop.Lock",
        name="stock",
        is_pool=False,
        is_overflow=False,
        waits=spread(0.05, up_to_0_0001=1),
        holds=spread(700, up_to_1_0=1),
        releases=spread(1, up_to_0_001=1),
        creates=spread(),
        missed=0,
        timeouts=0,
        capacity=1,
    )


async def test_a_lifecycle_that_is_told_in_pieces_counts_once(store: Store) -> None:
    """Each of its durations is counted when it is first told, whatever is sent again."""
    program = Program()
    use = program.use("main", LOCK, acquire=0)
    seen = []
    for change in ({}, {"wait": 2}, {"hold": 30}, {"release": 1}):
        program.go_on(use, **change)
        batch = program.batch()
        use.shipped = True
        await store.write(batch)
        await store.write(batch)
        (row,) = await store.resource_series()
        seen.append((row.waiting, row.open, row.waits.count, row.holds.count, row.releases.count, row.missed))
    assert seen == [(1, 0, 0, 0, 0, 0), (0, 1, 1, 0, 0, 0), (0, 1, 1, 1, 0, 0), (0, 0, 1, 1, 1, 0)]


@pytest.mark.parametrize(
    ("kind", "is_timeout"),
    [
        ("TimeoutError", True),
        ("psycopg_pool.PoolTimeout", True),
        ("sqlalchemy.exc.TimeoutError", True),
        ("asyncio.exceptions.CancelledError", False),
        ("redis.exceptions.ConnectionError", False),
    ],
)
async def test_a_timeout_is_one_by_the_name_of_its_type(store: Store, kind: str, is_timeout: bool) -> None:
    """Told at once, or after the wait was seen; who gives up by asyncio.timeout is cancelled and no timeout."""
    program = Program()
    at_once = {"acquire_outcome": ERROR, "release_outcome": 0, "exception": (kind, "too late")}
    program.use("main", LOCK, acquire=0, release=5, **at_once)
    waiting = program.use("other", LOCK, acquire=0)
    await store.write(program.batch())
    waiting.shipped, waiting.acquire_outcome, waiting.exception = True, ERROR, wire.ExceptionInfo(kind, "too late")
    program.go_on(waiting, release=5)
    waiting.release_outcome = 0
    await store.write(program.batch())

    (row,) = await store.resource_series()
    assert (row.missed, row.timeouts, row.waiting) == (2, 2 * is_timeout, 0)


@given(st.lists(st.integers(0, 1 << 40), max_size=60))
def test_every_duration_is_counted_up_to_the_first_bound_that_it_does_not_pass(durations: list[int]) -> None:
    """Few or many at once: exact at the bounds too, and so is the sum."""
    one_by_one, together = Spread.empty(), Spread.empty()
    for ns in durations:
        one_by_one.add([ns])
    together.add(sorted(durations))

    bounds = [0, *(round(bound * 1e9) for bound in BOUNDS_S), 1 << 62]
    by_hand = [sum(low < ns <= high for ns in durations) for low, high in pairwise(bounds)]
    by_hand[0] += durations.count(0)
    assert one_by_one == together == Spread(by_hand, sum(durations))


async def test_resources_of_a_kind_and_a_name_are_one_and_dead_processes_none(store: Store) -> None:
    """There are no more series than names; each living process has its own, and one that restarts begins anew."""
    one, other, dead = Program(1), Program(2), Program(3)
    for program in (one, other, dead):
        program.resource(LOCK)
        program.resources["second"] = wire.Resource(2, "shop.Lock", "stock", 1, "control")
        for resource in (LOCK, "second"):
            program.use("main", resource, acquire=0, wait=0, hold=1)
        await store.write(program.batch(final=program is dead))

    found = [
        (each.process.id, each.name, each.capacity, each.open, each.holds.count)
        for each in await store.resource_series()
    ]
    assert found == [(one.hex, "stock", 2, 2, 2), (other.hex, "stock", 2, 2, 2)]


async def test_past_the_limit_all_further_names_are_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who came first stays alone, so that no count moves; pools have a limit of their own."""
    monkeypatch.setattr("tenure_server.store.sqlite.write.series.MAX_SERIES", 2)
    program = Program()
    for name in ("a", "b", "c", "d", "b"):
        program.use("main", f"Lock {name}", acquire=0, wait=1)
    program.resource(POOL, capacity=2, stereotype="database")
    program.use("main", POOL, acquire=0, wait=1)
    await store.write(program.batch())
    program.use("main", "Lock c", acquire=0, wait=1)
    await store.write(program.batch())

    assert [facts(row) for row in await store.resource_series()] == [
        ("a", False, False, 1, 0),
        ("b", False, False, 2, 0),
        ("", False, True, 3, 0),
        ("orders", True, False, 1, 0),
    ]


async def test_what_the_retention_deletes_stays_counted(store: Store, clock: Clock) -> None:
    """A counter that went back would be read as a restart; lifecycles and their resource may go."""
    program = Program()
    for number in range(3):
        program.use(f"worker-{number}", LOCK, acquire=0, wait=2, hold=3, release=1)
    await store.write(program.batch())
    before = await store.resource_series()
    clock.set(100_000)
    program.use("main", "Lock other", acquire=99_000)
    await store.write(program.batch())
    assert await store.retain(10_000_000_000, None) == 3
    clock.set(140_000)
    program.use("main", "Lock other", acquire=139_000, wait=1, hold=1, release=1)
    await store.write(program.batch())
    await store.retain(1_000_000, None)

    (after, _) = await store.resource_series()
    assert (after.waits, after.holds, after.releases) == (before[0].waits, before[0].holds, before[0].releases)
    program.use("main", LOCK, acquire=140_000, wait=2, hold=3, release=1)
    await store.write(program.batch())
    (again, _) = await store.resource_series()
    assert again.holds == spread(12, up_to_0_005=4)


async def test_a_store_opened_again_goes_on_counting(tmp_path: Path, clock: Clock) -> None:
    """A restart of the collector is none of the program's."""
    program = shop()
    store = SqliteStore(tmp_path / "store.sqlite", clock)
    await store.write(program.batch())
    before = await store.resource_series()
    await store.close()
    store = SqliteStore(tmp_path / "store.sqlite", clock)
    assert await store.resource_series() == before
    program.use("worker-1", LOCK, acquire=800, wait=0.05, hold=700, release=1)
    await store.write(program.batch())
    assert (await store.resource_series())[1].holds == spread(1_400, up_to_1_0=2)
    await store.close()


async def test_a_batch_that_cannot_be_written_counts_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its counts are in its transaction."""
    program = shop()
    await store.write(program.batch())
    before = await store.resource_series()
    program.use("worker-1", LOCK, acquire=800, wait=1)
    broken = program.batch()
    with monkeypatch.context() as patch:
        patch.setattr("tenure_server.store.sqlite.write.outbox.Outbox.write", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await store.write(broken)
    assert await store.resource_series() == before
    await store.write(broken)
    assert (await store.resource_series())[1].waits == spread(1.05, up_to_0_0001=1, up_to_0_001=1)


async def test_what_pools_say_of_themselves_is_kept_as_it_is_now(store: Store) -> None:
    """Idle connections and their bound of all that are there; how long each was made, counted for good."""
    program = shop()
    first = program.batch()
    second = wire.Resource(9, "shop.Pool", "orders", 3, "database")
    told = [wire.Pool(0, 2, 5, [3_000_000, 200_000_000])]
    await store.write(
        replace(first, resources=[*first.resources, second], pools=[*told, wire.Pool(2, 1, 4, [4_000_000])])
    )
    pool, _ = await store.resource_series()
    assert (pool.capacity, pool.idle, pool.idle_max) == (5, 3, 9)

    await store.write(replace(program.batch(), resources=[second], pools=[wire.Pool(0, 1, None, [70_000_000])]))
    pool, _ = await store.resource_series()
    assert (pool.capacity, pool.idle, pool.idle_max) == (5, 3, None)
    assert pool.creates == spread(277, up_to_0_005=2, up_to_0_1=1, up_to_0_5=1)

    await store.write(replace(program.batch(), resources=[second], pools=[wire.Pool(0, 0, None, [], True)]))
    pool, _ = await store.resource_series()
    assert (pool.capacity, pool.idle, pool.idle_max, pool.creates.count) == (2, 2, 5, 4)


async def test_a_pool_without_a_limit_is_known_by_what_it_tells(store: Store) -> None:
    """A database's resource with neither is no pool."""
    program = Program()
    for name in ("told", "silent"):
        program.resource(f"Pool {name}", capacity=None, stereotype="database")
        program.use("main", f"Pool {name}", acquire=0, wait=1)
    batch = program.batch()
    await store.write(replace(batch, pools=[wire.Pool(0, 1)]))
    assert [(row.name, row.is_pool, row.idle) for row in await store.resource_series()] == [
        ("told", True, 1),
        ("silent", False, None),
    ]


def test_the_limits_are_those_that_the_docs_name() -> None:
    """docs/opentelemetry.md says them in words."""
    text = (Path(__file__).parents[3] / "docs" / "opentelemetry.md").read_text()
    assert f"{limits.MAX_SERIES:,} kinds and names" in text
    assert f"{limits.MAX_MEASURED:,} of all processes" in text
