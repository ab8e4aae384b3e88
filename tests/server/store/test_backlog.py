"""The number of rows that a follower has not read is exact at every moment, and is read without counting."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from tests.server.support.batches import Program, at
from tests.server.support.collector import Clock

from tenure_server.errors import StoreFailed
from tenure_server.store import Backlog
from tenure_server.store.sqlite import SqliteStore


async def get(store: SqliteStore, follower: str, limit: int = 600) -> int:
    """How many the follower gets next; they are acknowledged."""
    endings = await store.closed_lifecycles(follower, limit)
    await store.acknowledge(follower, endings.position, endings.expired)
    return len(endings.items)


def _counted(store: SqliteStore, follower: str) -> Backlog:
    """The backlog as the tables have it."""
    expired, waiting, since_ns = store._connection.execute(
        "SELECT expired, ifnull(sum(lifecycles), 0),"
        " (SELECT at_ns FROM outbox WHERE entry > cursor ORDER BY entry LIMIT 1)"
        " FROM followers LEFT JOIN outbox ON entry > cursor WHERE name = ?",
        (follower,),
    ).fetchone()
    return Backlog(waiting, since_ns, expired)


async def test_the_backlog_is_kept_count_of_whatever_happens(
    store: SqliteStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writes, one that fails, acknowledgements, dead processes, the retention; and it is never looked up."""
    names = ["fast", "slow"]
    await store.follow(names)
    program, dead, found = Program(), Program(number=2), []

    async def check() -> None:
        told = [store.backlog(name) for name in names]
        assert told == [_counted(store, name) for name in names]
        found.append([backlog.lifecycles for backlog in told])

    for round_ in range(4):
        clock.set(1_000 + 10_000 * round_)
        for n in range(600):
            program.use("main", "Lock stock", acquire=10_000 * round_ + n, wait=0, hold=0, release=0)
        await store.write(program.batch())
        await check()
    with monkeypatch.context() as patch:
        patch.setattr(store._writer._series, "write", _fail)
        program.use("main", "Lock stock", acquire=40_000, wait=0, hold=0, release=0)
        with pytest.raises(StoreFailed):
            await store.write(program.batch())
    await check()
    await get(store, "fast")
    await check()
    dead.use("main", "Pool orders", acquire=0, wait=1)
    await store.write(dead.batch(final=True))
    assert await store.abandon() == 1
    await check()
    clock.set(45_000)
    assert await store.retain(25_000_000_000, None) > 0
    await check()
    assert store.backlog("slow").expired > store.backlog("fast").expired > 0
    statements: list[str] = []
    store._connection.set_trace_callback(statements.append)
    await check()
    assert len(statements) == len(names)  # those of this test
    store._connection.set_trace_callback(None)
    for name in names:
        while await get(store, name):
            pass
        await check()

    assert found[:4] == [[600 * n, 600 * n] for n in range(1, 5)]
    assert found[-1] == [0, 0]


def _fail(*_: object) -> None:
    raise sqlite3.OperationalError("disk I/O error")


async def test_a_backlog_is_found_again_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    """Of each follower its own."""
    store = SqliteStore(tmp_path / "store.sqlite", clock)
    await store.follow(["fast", "slow"])
    program = Program()
    for n in range(3):
        clock.set(1_000 + n)
        program.use("main", "Lock stock", acquire=n, wait=0, hold=0, release=0)
        await store.write(program.batch())
    await get(store, "fast", limit=2)
    await store.close()

    store = SqliteStore(tmp_path / "store.sqlite", clock)
    await store.follow(["fast", "slow"])

    assert [store.backlog(name) for name in ("fast", "slow")] == [Backlog(1, at(1_002), 0), Backlog(3, at(1_000), 0)]
    await store.close()
