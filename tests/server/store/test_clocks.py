"""A program's clock may be wrong: its rows neither delete others nor are kept for ever."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.server.support.batches import START_NS, Program
from tests.server.support.collector import Clock
from tests.server.support.spans import encoded, group, request, span
from tests.server.support.store_queries import EVERY, all_lifecycles, numbers

from tenure_server.ingest.otlp import from_protobuf
from tenure_server.ingest.otlp.batches import batches
from tenure_server.store import Paging, Store
from tenure_server.store.sqlite import SqliteStore

DAY_MS = 86_400_000.0
YEAR_MS = 365 * DAY_MS
WEEK_NS = 7 * 86_400 * 10**9


@pytest.mark.parametrize("wrong_ms", [8 * DAY_MS, 30 * YEAR_MS, -8 * DAY_MS, -30 * YEAR_MS])
async def test_one_row_with_a_wrong_clock_deletes_nothing(store: Store, clock: Clock, wrong_ms: float) -> None:
    """It and all others stay as long as the retention says from when they came, then all of them go."""
    program = Program()
    for n in range(200):
        program.use("main", "Lock stock", acquire=n, wait=0, hold=0, release=0)
    program.use("main", "Lock stock", acquire=wrong_ms, wait=0, hold=0, release=0)
    await store.write(program.batch())
    clock.now_ns += WEEK_NS // 2
    for n in range(10):
        program.use("main", "Lock stock", acquire=3.5 * DAY_MS + n, wait=0, hold=0, release=0)
    await store.write(program.batch())

    assert await store.retain(WEEK_NS, None) == 0
    assert len(await all_lifecycles(store)) == 211

    clock.now_ns += WEEK_NS // 2 + 2 * 10**9
    assert await store.retain(WEEK_NS, None) == 201
    assert len(await all_lifecycles(store)) == 10


async def test_a_clock_that_jumps_loses_nothing(store: Store, clock: Clock) -> None:
    """Ahead by days, then back: what comes next is kept as long as all else, and lists have each row once."""
    program = Program()
    for wrong_ms in (0.0, 8 * DAY_MS, 0.0, -YEAR_MS, 0.0):
        began = (clock.now_ns - START_NS) / 1e6 + wrong_ms
        for n in range(50):
            program.use("main", "Lock stock", acquire=began + n, wait=0, hold=0, release=0)
        await store.write(program.batch())
        clock.now_ns += 10 * 10**9
        assert await store.retain(WEEK_NS, None) == 0

    for page in (7, 50, 1_000):
        listed = await all_lifecycles(store, page=page)
        assert sorted(lifecycle.id for lifecycle in listed) == sorted(program.id(n) for n in range(1, 251))
        assert [lifecycle.acquire_ns for lifecycle in listed] == sorted(
            (lifecycle.acquire_ns for lifecycle in listed), reverse=True
        )
    recent = await all_lifecycles(store, replace(EVERY, since_ns=clock.now_ns - 60 * 10**9))
    assert len(recent) == 200  # those of the year before are not, those that are ahead are


@pytest.mark.parametrize("wrong_ms", [8 * DAY_MS, -8 * DAY_MS])
async def test_spans_with_a_wrong_clock_are_kept_like_others(store: Store, clock: Clock, wrong_ms: float) -> None:
    """They go when they came too long ago, and take nothing with them."""
    right = [span(n, "GET /", begin=n, end=n + 1) for n in range(1, 21)]
    wrong = span(21, "GET /", begin=wrong_ms, end=wrong_ms + 1, trace=bytes(range(2, 18)))
    spans, _ = batches(from_protobuf.read(encoded(request(group("shop", *right, wrong)))))
    await store.write_spans(spans)

    assert await store.retain(WEEK_NS, None) == 0
    assert len(await all_lifecycles(store)) == 21
    clock.now_ns += WEEK_NS + 2 * 10**9
    assert await store.retain(WEEK_NS, None) == 21


async def test_a_long_hold_is_kept_from_when_it_ended(store: Store, clock: Clock) -> None:
    """What was acquired before the retention began and is released now is new."""
    program = Program()
    held = program.use("main", "Lock stock", acquire=0, wait=1)
    await store.write(program.batch())
    clock.now_ns += 2 * WEEK_NS
    program.go_on(held, hold=14 * DAY_MS, release=1)
    await store.write(program.batch())

    assert await store.retain(WEEK_NS, None) == 0
    assert await numbers(store) == [1]


async def test_a_store_opened_again_knows_when_its_rows_came(tmp_path: Path, clock: Clock) -> None:
    """Whatever their own times say."""
    program = Program()
    program.use("main", "Lock stock", acquire=8 * DAY_MS, wait=0, hold=0, release=0)
    store = SqliteStore(tmp_path / "store.sqlite", clock)
    await store.write(program.batch())
    await store.close()
    clock.now_ns += WEEK_NS // 2

    store = SqliteStore(tmp_path / "store.sqlite", clock)
    assert await store.retain(WEEK_NS, None) == 0
    clock.now_ns += WEEK_NS // 2 + 2 * 10**9
    assert await store.retain(WEEK_NS, None) == 1
    await store.close()


async def test_what_came_while_the_collectors_clock_was_ahead_is_not_kept_for_ever(store: Store, clock: Clock) -> None:
    """When that clock is set back, it counts as having come then."""
    program = Program()
    clock.now_ns += 365 * 86_400 * 10**9
    for _ in range(2):
        program.use("main", "Lock stock", acquire=0, wait=0, hold=0, release=0)
        await store.write(program.batch())
        clock.now_ns += 5 * 10**9
    clock.set(2_000)
    program.use("main", "Lock stock", acquire=0, wait=0, hold=0, release=0)
    await store.write(program.batch())

    assert await store.retain(WEEK_NS, None) == 0
    clock.now_ns += WEEK_NS + 2 * 10**9
    assert await store.retain(WEEK_NS, None) == 3


async def test_the_skew_of_a_clock_is_told(store: Store, clock: Clock) -> None:
    """A late batch changes nothing, and two minutes after the clock was set right it is 0."""

    async def skew_ms(told_ms: float) -> int:
        program.use("main", "Lock stock", acquire=told_ms, wait=0, hold=0, release=0)
        await store.write(program.batch())
        (process,) = (await store.processes(Paging())).items
        return process.clock_skew_ms

    program = Program()
    await store.write(program.batch())
    assert [process.clock_skew_ms for process in (await store.processes(Paging())).items] == [0]
    assert await skew_ms(1_000 + 8 * DAY_MS - 100) == 8 * DAY_MS - 100
    clock.set(2_000)
    assert await skew_ms(2_000 + 8 * DAY_MS - 5_000) == 8 * DAY_MS - 100  # this one waited for five seconds
    for seconds in (63, 124):
        clock.set(seconds * 1_000)
        last = await skew_ms(seconds * 1_000)
    assert last == 0
    clock.set(125_000)
    assert await skew_ms(125_000 - YEAR_MS) == 0
    clock.set(190_000)
    await skew_ms(190_000 - YEAR_MS)
    clock.set(255_000)
    assert await skew_ms(255_000 - YEAR_MS) == -YEAR_MS
