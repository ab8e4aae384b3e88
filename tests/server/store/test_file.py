"""A store in a file, beyond the contract: restarts, wrong places, a full disk, a second collector."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from tests.server.support.batches import Program
from tests.server.support.collector import Clock
from tests.server.support.store_queries import everything, numbers
from tests.support.waiting import until

from tenure_server.errors import StoreBusy, StoreFailed, StoreUnusable
from tenure_server.limits import MAX_QUEUED_BATCHES
from tenure_server.store import LifecycleQuery, Paging, ResourceQuery, Totals, TraceQuery
from tenure_server.store.sqlite import SqliteStore


async def test_a_store_opened_again_has_all_that_was_committed(tmp_path: Path, clock: Clock) -> None:
    """Also that a batch was seen, counts, and what was open and then goes on."""
    path = tmp_path / "store.sqlite"
    program = Program()
    program.use("main", "Pool orders", acquire=0, wait=1, hold=100, release=2)
    waiting = program.use("main", "Lock stock", acquire=200)
    first = program.batch()
    program.sequence += 1  # one is still on its way
    program.go_on(waiting, wait=5)
    third = program.batch()
    store = SqliteStore(path, clock)
    await store.write(first)
    await store.write(third)
    before = await everything(store)
    await store.close()

    store = SqliteStore(path, clock)
    assert await everything(store) == before
    await store.write(first)
    await store.write(third)
    assert await everything(store) == before
    assert store.totals() == Totals(batches=0, repeated=2, lifecycles=0, queued_batches=0, queued_rows=0)
    program.go_on(waiting, hold=10, release=1)
    await store.write(program.batch())
    (stock,) = (await store.resources(ResourceQuery(kind="shop.Lock"))).items
    assert (stock.total, stock.acquiring, stock.held) == (1, 0, 0)
    assert stock.hold_ms.p50 == pytest.approx(10, rel=0.025)
    await store.close()


async def test_a_restarted_collector_waits_before_it_calls_a_process_dead(tmp_path: Path, clock: Clock) -> None:
    """Who was heard of shortly before it stopped may have sent in vain; who was silent long before is dead."""
    path = tmp_path / "store.sqlite"
    long_dead, recent = Program(1), Program(2)
    store = SqliteStore(path, clock)
    await store.write(long_dead.batch())
    clock.set(60_000)
    await store.write(recent.batch())
    await store.close()

    clock.set(600_000)
    store = SqliteStore(path, clock)
    assert [process.alive for process in (await store.processes(Paging())).items] == [True, False]
    clock.set(610_000)
    assert [process.alive for process in (await store.processes(Paging())).items] == [False, False]
    await store.close()


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    """The error names it and the way out."""
    path = tmp_path / "notes.txt"
    path.write_text("remember the milk\n" * 100)
    with pytest.raises(StoreUnusable, match=r"notes\.txt is not a SQLite database \(give another --store\)"):
        SqliteStore(path)
    assert path.read_text() == "remember the milk\n" * 100


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Not one byte of it changes, not even its journal mode."""
    path = tmp_path / "theirs.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE lifecycles (theirs TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match="is the database of another program"):
        SqliteStore(path)
    assert path.read_bytes() == before


async def test_a_store_of_a_later_version_is_refused(tmp_path: Path) -> None:
    """Both versions are named."""
    path = tmp_path / "store.sqlite"
    await SqliteStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(StoreUnusable, match="version 9, this program reads version 5"):
        SqliteStore(path)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("missing/store.sqlite", "missing does not exist"),
        (".", "is a directory"),
        ("/proc/store.sqlite", "cannot be opened for writing"),
    ],
)
def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path, place: str, reason: str) -> None:
    """Each by its own reason."""
    with pytest.raises(StoreUnusable, match=reason):
        SqliteStore(tmp_path / place)


async def test_a_second_collector_is_kept_off_the_file(tmp_path: Path) -> None:
    """Two writers would spoil each other's counts; when the first has gone the second may."""
    store = SqliteStore(tmp_path / "store.sqlite")
    with pytest.raises(StoreUnusable, match="in use by another collector"):
        SqliteStore(tmp_path / "store.sqlite")
    await store.close()
    await SqliteStore(tmp_path / "store.sqlite").close()


async def test_a_full_disk_stores_nothing_of_a_batch_and_recovers_by_itself(tmp_path: Path, clock: Clock) -> None:
    """The write fails, the check fails, readers go on; with room again the same batch is stored, whole."""
    store = SqliteStore(tmp_path / "store.sqlite", clock)
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1, hold=1, release=1)
    await store.write(program.batch())
    before = await everything(store)
    pages = await _pragma(store, "PRAGMA page_count")
    await _pragma(store, f"PRAGMA max_page_count = {pages}")
    for n in range(3_000):
        program.use(f"task-{n}", f"Lock {n}", acquire=n, wait=1, hold=1, release=1)
    large = program.batch()

    with pytest.raises(StoreFailed, match="full"):
        await store.write(large)
    with pytest.raises(StoreFailed, match="full"):
        await store.check()
    assert await everything(store) == before

    await _pragma(store, f"PRAGMA max_page_count = {1 << 30}")
    await store.retain(None, None)  # which tries again
    await store.check()
    await store.write(large)
    assert store.totals().lifecycles == 3_001
    assert (await numbers(store, task=program.id(1))) == [1]
    await store.close()


async def _pragma(store: SqliteStore, sql: str) -> int:
    value: int = await store._thread.call(lambda: store._connection.execute(sql).fetchone()[0])
    return value


async def test_what_may_wait_to_be_written_is_bounded(tmp_path: Path, clock: Clock) -> None:
    """Past the bound a batch is turned away at once, those that wait are stored, and then there is room again."""
    store = SqliteStore(tmp_path / "store.sqlite", clock)
    program = Program()
    waiting = []
    with store._guard:  # the writer cannot go on
        for _ in range(MAX_QUEUED_BATCHES):
            program.use("main", "Lock stock", acquire=0, wait=1, hold=1, release=1)
            waiting.append(asyncio.create_task(store.write(program.batch())))
        await asyncio.sleep(0)
        late = program.batch()
        refused = 0
        for _ in range(5):
            try:
                async with asyncio.timeout(1):
                    await store.write(late)
            except StoreBusy:
                refused += 1
        with pytest.raises(StoreFailed, match="has not answered"):
            await store.check()
    await asyncio.gather(*waiting)
    assert refused == 5
    await store.write(late)
    assert len(await numbers(store, paging=Paging(1_000))) == MAX_QUEUED_BATCHES
    await store.close()


async def test_closing_writes_what_waits(tmp_path: Path, clock: Clock) -> None:
    """Nothing that was accepted is lost by an orderly end; afterwards nothing is accepted."""
    store = SqliteStore(tmp_path / "store.sqlite", clock)
    program = Program()
    writes = []
    for n in range(50):
        program.use("main", "Lock stock", acquire=n, wait=1, hold=1, release=1)
        writes.append(asyncio.create_task(store.write(program.batch())))
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*writes)
    with pytest.raises(StoreBusy):
        await store.write(program.batch())
    with pytest.raises(StoreFailed):
        await store.traces(TraceQuery())

    store = SqliteStore(tmp_path / "store.sqlite", clock)
    assert len(await numbers(store)) == 50
    await store.close()


async def test_a_batch_that_cannot_be_written_does_not_hurt_its_neighbours(tmp_path: Path, clock: Clock) -> None:
    """They share a transaction; the bad one alone fails."""
    store = SqliteStore(tmp_path / "store.sqlite", clock)
    good, bad = Program(1), Program(2, service="\ud800")  # no UTF-8 can be made of it
    good.use("main", "Lock stock", acquire=0, wait=1)
    bad.use("main", "Lock stock", acquire=0, wait=1)
    with store._guard:
        writes = [asyncio.create_task(store.write(program.batch())) for program in (good, bad, Program(3))]
        await until(lambda: store._thread.queued_batches == 3)

    results = await asyncio.gather(*writes, return_exceptions=True)

    assert [type(result) for result in results] == [type(None), UnicodeEncodeError, type(None)]
    assert [lifecycle.process for lifecycle in (await store.lifecycles(LifecycleQuery())).items] == [good.hex]
    await store.close()
