"""The store's files are deleted, replaced or damaged while it runs: what is acknowledged later is in the new file."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.server.support.batches import Program
from tests.server.support.collector import Clock, collecting
from tests.server.support.store_queries import numbers
from tests.support.waiting import until

from tenure import wire
from tenure_server import app
from tenure_server.errors import StoreFailed
from tenure_server.store import LifecycleQuery, Paging
from tenure_server.store.sqlite import SqliteStore
from tenure_server.store.sqlite.file.connection import open_store

USES = 2_001  # before the fault: the tables have several pages, and the log has something that they have not


def _unlink(path: Path) -> None:
    path.unlink()


def _replace_by_garbage(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"remember the milk\n" * 1_000)
    other.rename(path)


def _replace_by_empty(path: Path) -> None:
    other = path.with_name("other")
    other.touch()
    other.rename(path)


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _truncate_to_nothing(path: Path) -> None:
    os.truncate(path, 0)


def _garbage_in_the_middle(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(8_192)
        file.write(os.urandom(path.stat().st_size - 8_192))


def _garbage_at_the_head(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\x5a" * 4_096)


def _garbage_at_the_head_of_the_log(path: Path) -> None:
    with path.with_name(path.name + "-wal").open("r+b") as file:
        file.write(b"\x5a" * 4_096)


def _truncate_log(path: Path) -> None:
    os.truncate(path.with_name(path.name + "-wal"), 0)


def _unlink_log(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


def _unlink_index(path: Path) -> None:
    path.with_name(path.name + "-shm").unlink()


def _make_directory_again(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.mkdir()


FAULTS = [
    _unlink,
    _replace_by_garbage,
    _replace_by_empty,
    _truncate,
    _truncate_to_nothing,
    _garbage_in_the_middle,
    _garbage_at_the_head,
    _garbage_at_the_head_of_the_log,
    _truncate_log,
    _unlink_log,
    _unlink_index,
    _make_directory_again,
]
KEEPING = {_unlink_log, _unlink_index}  # nothing at all is lost
DAMAGE = {
    _replace_by_garbage,
    _truncate,
    _truncate_to_nothing,
    _garbage_in_the_middle,
    _garbage_at_the_head,
    _garbage_at_the_head_of_the_log,
    _truncate_log,
}
Fault = Callable[[Path], None]


async def _filled(path: Path, clock: Clock) -> SqliteStore:
    """A store with lifecycles 1 to USES, nearly all of them in its file."""
    path.parent.mkdir()
    store = SqliteStore(path, clock)
    program = Program(1)
    for n in range(USES - 1):
        program.use(f"task-{n % 50}", f"Lock {n % 20}", acquire=n, wait=1, hold=1, release=1)
    await store.write(program.batch())
    await store._thread.call(store._upkeep.trimming.checkpoint)
    program.use("main", "Lock stock", acquire=0, wait=1, hold=1, release=1)
    await store.write(program.batch())
    return store


async def _send(store: SqliteStore, batch: wire.Batch) -> int:
    """Until it is stored, as a tracer does; answer how often it was refused."""
    refused = 0

    async def is_stored() -> bool:
        nonlocal refused
        try:
            await store.write(batch)
        except StoreFailed:
            refused += 1
            return False
        return True

    await until(is_stored, 30)
    return refused


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_is_acknowledged_after_a_fault_is_in_the_store_that_is_there(
    tmp_path: Path, clock: Clock, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """At most the first batch after the fault is refused, once; all from then on is in the file at the path."""
    path = tmp_path / "state" / "store.sqlite"
    store = await _filled(path, clock)
    fault(path)

    later = Program(2)
    refused = 0
    for n in range(20):
        later.use(f"task-{n}", "Lock stock", acquire=n, wait=1, hold=1, release=1)
        refused += await _send(store, later.batch())
    await store.check()

    assert refused <= 1  # none where the writer looked in between
    found = [lifecycle.process for lifecycle in (await store.lifecycles(LifecycleQuery(paging=Paging(5_000)))).items]
    assert found.count(later.hex) == 20
    assert found.count(Program(1).hex) == (USES if fault in KEEPING else 0)
    assert bool(list(path.parent.glob("store.sqlite.damaged-2*"))) == (fault in DAMAGE)
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len([record for record in errors if "a new store is started" not in record.message]) == 1
    assert any("started" in record.message or "(" in record.message for record in errors)  # what follows from it
    await store.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM lifecycles").fetchone() == (len(found),)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_under_load_loses_nothing_that_is_acknowledged_after_it(
    tmp_path: Path, clock: Clock, fault: Fault
) -> None:
    """Four senders, readers beside them; what was begun after the fault and acknowledged is stored once."""
    path = tmp_path / "state" / "store.sqlite"
    store = await _filled(path, clock)
    sent_after: set[str] = set()
    is_broken = False

    async def send(number: int) -> None:
        program = Program(number)
        for n in range(60):
            use = program.use(f"task-{n % 7}", "Lock stock", acquire=n, wait=1, hold=1, release=1)
            after = is_broken
            await _send(store, program.batch())
            if after:
                sent_after.add(program.id(use.id))

    async def read() -> None:
        for _ in range(30):
            try:
                await numbers(store)
            except StoreFailed:
                await asyncio.sleep(0.02)

    async def break_it() -> None:
        nonlocal is_broken
        for number in (10, 11, 12):  # while the others send
            await _send(store, Program(number).batch())
        await store._thread.call(lambda: fault(path))
        is_broken = True

    await asyncio.gather(*(send(number) for number in range(2, 6)), read(), break_it())

    found = [lifecycle.id for lifecycle in (await store.lifecycles(LifecycleQuery(paging=Paging(5_000)))).items]
    assert sent_after
    assert sent_after <= set(found)
    assert len(found) == len(set(found))
    await store.close()


async def test_a_damage_that_a_reading_finds_is_mended_without_a_write(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reading fails, the next one sees a fresh store."""
    path = tmp_path / "state" / "store.sqlite"
    store = await _filled(path, clock)
    monkeypatch.setattr(store._thread, "_maintain", lambda: None)  # which may find it first
    _garbage_in_the_middle(path)
    with pytest.raises(StoreFailed):
        await numbers(store)
    assert await numbers(store) == []
    await store.close()


async def test_ready_is_false_until_the_store_can_be_written(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the directory is away: 503 with the reason, on writes too; with it back, ready."""
    monkeypatch.setattr(app, "RETENTION_INTERVAL_S", 0.1)  # retention is what opens the store again
    path = tmp_path / "state" / "store.sqlite"
    store = await _filled(path, clock)
    async with collecting(store=store, clock=clock) as collector:
        assert (await collector.get("/readyz"))[0] == 200
        shutil.rmtree(path.parent)
        program = Program(2)
        program.use("main", "Lock stock", acquire=0, wait=1, hold=1, release=1)
        batch = wire.encode(program.batch())
        assert (await collector.send(batch))[0] == 503
        status, problem = await collector.get("/readyz")
        assert status == 503
        assert "does not exist" in problem["detail"]
        assert (await collector.get("/healthz"))[0] == 200
        path.parent.mkdir()

        async def is_ready() -> bool:
            return (await collector.get("/readyz"))[0] == 200

        await until(is_ready, 20)
        assert (await collector.send(batch))[0] == 200


async def test_a_file_of_another_program_at_the_path_is_left_alone(tmp_path: Path, clock: Clock) -> None:
    """The store does not write until it is taken away."""
    path = tmp_path / "state" / "store.sqlite"
    store = await _filled(path, clock)
    other = tmp_path / "theirs.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE lifecycles (theirs TEXT)")
    connection.close()
    before = other.read_bytes()
    other.rename(path)
    with pytest.raises(StoreFailed):
        await store.check()
    with pytest.raises(StoreFailed, match="is the database of another program"):
        await store.check()
    assert path.read_bytes() == before
    path.unlink()
    program = Program(2)
    program.use("main", "Lock stock", acquire=0, wait=1, hold=1, release=1)
    await _send(store, program.batch())
    await store.close()


async def test_a_backup_moved_over_the_store_is_taken(tmp_path: Path, clock: Clock) -> None:
    """Its lifecycles are seen, and the next ones are written into it."""
    path = tmp_path / "state" / "store.sqlite"
    backup = await _filled(tmp_path / "backup" / "store.sqlite", clock)
    await backup.close()
    path.parent.mkdir()
    store = SqliteStore(path, clock)
    (tmp_path / "backup" / "store.sqlite").rename(path)
    program = Program(2)
    program.use("main", "Lock stock", acquire=9_000, wait=1, hold=1, release=1)
    assert await _send(store, program.batch()) <= 1
    assert len((await store.lifecycles(LifecycleQuery(paging=Paging(5_000)))).items) == USES + 1
    await store.close()


def test_a_damaged_store_is_put_aside_at_the_start(tmp_path: Path) -> None:
    """Its head says that it is ours; it is kept under a name that says so, and the collector starts."""
    path = tmp_path / "store.sqlite"
    connection, lock = open_store(path)
    connection.close()
    assert lock
    lock.release()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\x5a" * 3_996)
    asyncio.run(SqliteStore(path).close())
    assert list(tmp_path.glob("store.sqlite.damaged-2*"))
