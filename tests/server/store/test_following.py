"""The contract of a store: a follower gets each closed lifecycle once, in order. Every backend passes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.server.support.batches import Program, at
from tests.server.support.collector import Clock

from tenure import wire
from tenure_server.model.records import HeldAround
from tenure_server.store import Backlog, Store
from tenure_server.store.sqlite import SqliteStore
from tenure_server.store.sqlite.file import arrivals
from tenure_server.store.sqlite.write import retention


async def read(store: Store, follower: str = "backend", limit: int = 1_000) -> list[str]:
    """What the follower gets next, as "1 closed"; it is acknowledged."""
    endings = await store.closed_lifecycles(follower, limit)
    await store.acknowledge(follower, endings.position, endings.expired)
    return [f"{ending.lifecycle.id.partition('-')[2]} {ending.lifecycle.phase}" for ending in endings.items]


async def test_a_follower_gets_what_closes_in_the_order_in_which_it_closed(store: Store) -> None:
    """Not in the order of the acquires; what is open comes when it closes, and nothing comes twice."""
    await store.follow(["backend"])
    program = Program()
    outer = program.use("main", "Pool orders", acquire=0, wait=1)
    program.use("main", "Lock stock", acquire=2, wait=1, hold=1, release=1, parent=outer)
    await store.write(program.batch())
    assert await read(store) == ["2 closed"]

    program.use("main", "Lock stock", acquire=10, wait=1, hold=1, release=1, parent=outer)
    await store.write(program.batch())
    program.go_on(outer, hold=20, release=1)
    last = program.batch()
    await store.write(last)
    await store.write(last)

    assert await read(store) == ["3 closed", "1 closed"]
    assert await read(store) == []


async def test_what_is_not_acknowledged_comes_again_and_is_the_backlog(store: Store, clock: Clock) -> None:
    """Each follower has a place of its own; the first that waits tells since when."""
    await store.follow(["fast", "slow"])
    program = Program()
    for n in range(3):
        clock.set(1_000 + n)
        program.use("main", "Lock stock", acquire=n, wait=0, hold=0, release=0)
        await store.write(program.batch())

    assert await read(store, "fast") == ["1 closed", "2 closed", "3 closed"]
    assert store.backlog("fast") == Backlog(0, None, 0)
    again = [await store.closed_lifecycles("slow", 2) for _ in range(2)]

    assert again[0] == again[1]
    assert [ending.lifecycle.id for ending in again[0].items] == [program.id(1), program.id(2)]
    assert store.backlog("slow") == Backlog(3, at(1_000), 0)
    await store.acknowledge("slow", again[0].position, again[0].expired)
    assert store.backlog("slow") == Backlog(1, at(1_002), 0)
    assert await read(store, "slow") == ["3 closed"]


async def test_a_new_follower_begins_now_and_one_that_is_not_named_is_forgotten(store: Store) -> None:
    """History is not exported; who comes back after it was left out begins anew."""
    program = Program()

    async def one_more() -> None:
        program.use("main", "Lock stock", acquire=len(program.uses), wait=0, hold=0, release=0)
        await store.write(program.batch())

    await one_more()
    await store.follow(["first"])
    await one_more()
    await store.follow(["first", "second"])
    await one_more()
    assert await read(store, "first") == ["2 closed", "3 closed"]
    assert await read(store, "second") == ["3 closed"]

    await one_more()
    await store.follow(["second"])
    await one_more()
    await store.follow(["first", "second"])
    await one_more()
    assert await read(store, "first") == ["6 closed"]
    assert await read(store, "second") == ["4 closed", "5 closed", "6 closed"]
    await store.follow([])
    await one_more()
    await store.follow(["second"])
    assert await read(store, "second") == []


async def test_a_large_batch_comes_in_pieces(store: Store) -> None:
    """About as many at once as asked for, all in the end."""
    await store.follow(["backend"])
    program = Program()
    for n in range(1_750):
        program.use("main", "Lock stock", acquire=n, wait=0, hold=0, release=0)
    await store.write(program.batch())

    pieces = [await read(store, limit=600) for _ in range(5)]

    assert [len(piece) for piece in pieces] == [500, 500, 500, 250, 0]
    assert [name for piece in pieces for name in piece] == [f"{n} closed" for n in range(1, 1_751)]


async def test_what_a_process_left_open_comes_when_it_has_said_goodbye(store: Store, clock: Clock) -> None:
    """As abandoned, ending with the last that was heard of it; once."""
    await store.follow(["backend"])
    program = Program()
    program.use("main", "Pool orders", acquire=0, wait=1)
    await store.write(program.batch())
    assert await store.abandon() == 0

    clock.set(5_000)
    await store.write(program.batch(final=True))
    assert [await store.abandon(), await store.abandon()] == [1, 0]

    (ending,) = (await store.closed_lifecycles("backend", 10)).items
    assert (ending.lifecycle.phase, ending.lifecycle.acquired_ns, ending.ended_ns) == ("abandoned", at(1), at(5_000))
    assert await read(store) == ["1 abandoned"]
    assert await read(store) == []


async def test_a_silent_process_is_given_up_after_a_minute(store: Store, clock: Clock) -> None:
    """When it comes back after that, what closes then comes once more; when it dies again, so does what is open."""
    await store.follow(["backend"])
    program = Program()
    closing = program.use("main", "Pool orders", acquire=0, wait=1)
    program.use("main", "Lock stock", acquire=2)
    await store.write(program.batch())
    clock.set(60_999)
    assert await store.abandon() == 0
    clock.set(61_000)
    assert await store.abandon() == 2
    assert await read(store) == ["1 abandoned", "2 abandoned"]

    program.go_on(closing, hold=20, release=1)
    await store.write(program.batch())
    assert await store.abandon() == 0
    assert await read(store) == ["1 closed"]
    clock.set(200_000)
    assert await store.abandon() == 1
    assert await read(store) == ["2 abandoned"]


async def test_what_was_abandoned_before_anybody_followed_is_history(store: Store) -> None:
    """As is what closed before."""
    program = Program()
    program.use("main", "Pool orders", acquire=0, wait=1)
    await store.write(program.batch(final=True))

    await store.follow(["backend"])

    assert await store.abandon() == 0


async def test_a_root_comes_with_the_span_it_hangs_under_and_with_what_was_held_around_it(store: Store) -> None:
    """The trace is the program's own; the link names its target's trace."""
    await store.follow(["backend"])
    program = Program()
    outer = program.use("main", "Pool orders", acquire=0, wait=1, hold=100, release=1)
    linked = program.use("main", "Lock stock", acquire=10, wait=0, hold=1, release=0)
    within = program.use("main", "Lock paper", acquire=10, wait=0, hold=0, release=0, parent=linked)
    program.traces[linked.root] = wire.Trace(linked.root, outer.id, b"\x01" * 16, b"\x02" * 8)
    await store.write(program.batch())

    found = [ending.lifecycle for ending in (await store.closed_lifecycles("backend", 10)).items]

    around = HeldAround(program.id(outer.id), program.trace_id(outer.id))
    assert [(closed.id, closed.trace, closed.otel_parent, closed.held_around) for closed in found] == [
        (program.id(outer.id), program.trace_id(outer.id), None, None),
        (program.id(linked.id), "01" * 16, "02" * 8, around),
        (program.id(within.id), "01" * 16, None, None),
    ]


async def test_whom_a_wait_waited_for_comes_along(store: Store) -> None:
    """Also where the holder closed in another batch and was acknowledged long ago."""
    await store.follow(["backend"])
    program = Program()
    program.use("worker-1", "Lock stock", acquire=0, wait=0, hold=20, release=0)
    await store.write(program.batch())
    await read(store)
    program.use("main", "Lock stock", acquire=10, wait=10, hold=20, release=1)
    await store.write(program.batch())

    endings = await store.closed_lifecycles("backend", 10)

    assert [lifecycle.id for lifecycle in endings.context] == [program.id(1)]


async def test_a_follower_goes_on_where_it_was_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    """Neither does it get anything twice that it has acknowledged, nor miss what closed while it was away."""
    path = tmp_path / "store.sqlite"
    program = Program()
    store = SqliteStore(path, clock)
    await store.follow(["backend"])
    program.use("main", "Lock stock", acquire=0, wait=0, hold=0, release=0)
    await store.write(program.batch())
    await read(store)
    program.use("main", "Lock stock", acquire=1, wait=0, hold=0, release=0)
    await store.write(program.batch())
    await store.close()

    store = SqliteStore(path, clock)
    await store.follow(["backend"])
    program.use("main", "Lock stock", acquire=2, wait=0, hold=0, release=0)
    await store.write(program.batch())

    assert await read(store) == ["2 closed", "3 closed"]
    await store.close()


async def test_what_the_retention_deleted_first_is_counted(store: Store, clock: Clock) -> None:
    """What came before goes, and the rest still comes."""
    await store.follow(["backend"])
    program = Program()
    for came, began in ((1_000, (0, 1)), (30_000, (2,)), (50_000, (50_000,))):
        for n in began:
            program.use("main", "Lock stock", acquire=n, wait=0, hold=0, release=0)
        clock.set(came)
        await store.write(program.batch())
    clock.set(60_000)

    assert await store.retain(20_000_000_000, None) == 3

    assert store.backlog("backend") == Backlog(1, at(50_000), 3)
    assert await read(store) == ["4 closed"]
    assert store.backlog("backend") == Backlog(0, None, 3)


async def test_some_of_what_closed_together_may_be_deleted_first(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is much: the others of them still come, and what is missing is counted."""
    for module in (arrivals, retention):
        monkeypatch.setattr(module, "RETENTION_CHUNK", 1)
    store = SqliteStore(None, clock)
    await store.follow(["backend"])
    program = Program()
    for n in range(2):
        program.use("main", "Lock stock", acquire=n, wait=0, hold=0, release=0)
    await store.write(program.batch())

    assert await store._thread.call(store._retention.delete_oldest) == 1

    assert await read(store) == ["2 closed"]
    assert store.backlog("backend") == Backlog(0, None, 1)
    await store.close()
