"""A full disk under the store: writes are refused, reads are answered, and it recovers by itself."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.support.batches import Program
from tests.server.support.collector import Clock
from tests.server.support.store_queries import numbers
from tests.support.waiting import until

from tenure import wire
from tenure_server.errors import StoreBusy, StoreFailed
from tenure_server.store.sqlite import SqliteStore
from tenure_server.store.sqlite.file.transactions import roll_back, transaction
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot
from tenure_server.store.sqlite.upkeep.disk_space import Budget, Reserve

MAX_BYTES = 4_000_000


def _mount(path: Path) -> bool:
    """A small file system; false: this user may not."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        return False
    command = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(path)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _can_mount() -> bool:
    with tempfile.TemporaryDirectory() as directory:
        if not _mount(Path(directory)):
            return False
        subprocess.run(["umount", directory], check=True)
        return True


# What only a small file system shows: a limit of file sizes gives nothing back when a reserve is released.
STATES_OF_RESERVE = ["there", "gone"] if _can_mount() else ["there"]


class Disk:
    """A place whose room can be taken away: a small file system, or, where none may be mounted, RLIMIT_FSIZE."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_mounted = _mount(path)

    def fill(self) -> None:
        """No file can grow."""
        if not self.is_mounted:
            sizes = [path.stat().st_size for path in self.path.glob("store.sqlite*")]
            most = max(sizes) + Budget.of(MAX_BYTES).reserve  # as if the reserve were given back
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
            return
        with (self.path / "ballast").open("ab", buffering=0) as ballast:
            size = 1 << 16
            while size:
                try:
                    ballast.write(bytes(size))
                except OSError:
                    size //= 2

    def clear(self) -> None:
        """There is room again."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        (self.path / "ballast").unlink(missing_ok=True)

    def close(self) -> None:
        self.clear()
        if self.is_mounted:
            subprocess.run(["umount", "-l", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """An empty one."""
    (tmp_path / "disk").mkdir()
    disk = Disk(tmp_path / "disk")
    yield disk
    disk.close()


def _batch(program: Program, uses: int = 500) -> wire.Batch:
    for n in range(uses):
        program.use(f"task-{n % 20}", f"Lock {n % 10}", acquire=n, wait=1, hold=1, release=1)
    return program.batch()


async def _send(store: SqliteStore, batch: wire.Batch) -> int:
    """Until it is stored, as a tracer does; answer how often it was refused."""
    refused = 0

    async def is_stored() -> bool:
        nonlocal refused
        try:
            await store.write(batch)
        except (StoreFailed, StoreBusy):
            refused += 1
            return False
        return True

    await until(is_stored, 60)
    return refused


def _on_disk(path: Path) -> int:
    """Bytes of all the store's files."""
    return sum(file.stat().st_size for file in path.parent.glob(path.name + "*") if file.exists())


async def _until_whole(store: SqliteStore) -> None:
    """The reserve is there again."""

    async def is_whole() -> bool:
        if not (store._upkeep.is_full or store._upkeep.is_exclusive):
            return True
        await store.retain(None, MAX_BYTES)
        return False

    await until(is_whole, 30)


async def test_a_full_disk_heals_by_itself_while_it_stays_full(disk: Disk, clock: Clock) -> None:
    """The oldest make room for new ones; everything is stored in the end, and reads go on."""
    store = SqliteStore(disk.path / "store.sqlite", clock, MAX_BYTES)
    program = Program(1)
    for _ in range(60):
        await _send(store, _batch(program))
    disk.fill()
    for _ in range(60):
        await _send(store, _batch(program))
        assert await numbers(store)
    newest = max(await numbers(store))
    assert newest == 60_000
    await _until_whole(store)
    assert (disk.path / "store.sqlite-reserve").stat().st_size == Budget.of(MAX_BYTES).reserve
    await store.check()
    await store.close()


async def test_a_disk_that_is_full_before_the_store_is_needs_no_more_room(disk: Disk, clock: Clock) -> None:
    """The size of that moment is the bound, until there is room again."""
    store = SqliteStore(disk.path / "store.sqlite", clock, MAX_BYTES)
    program = Program(1)
    for _ in range(40 if disk.is_mounted else 60):
        await _send(store, _batch(program))
    disk.fill()
    before = _on_disk(disk.path / "store.sqlite")
    for _ in range(60):
        await _send(store, _batch(program))
    assert max(await numbers(store)) >= 40_000
    assert _on_disk(disk.path / "store.sqlite") <= before + Budget.of(MAX_BYTES).reserve
    disk.clear()
    await _until_whole(store)
    for _ in range(60):
        await _send(store, _batch(program))
    assert _on_disk(disk.path / "store.sqlite") <= MAX_BYTES
    await store.close()


@pytest.mark.parametrize("reserve", STATES_OF_RESERVE)
async def test_a_start_on_a_full_disk_reads_and_heals(
    disk: Disk, clock: Clock, reserve: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so in a warning; the reserve, where there is one, takes the next batches; the rest waits for room."""
    path = disk.path / "store.sqlite"
    store = SqliteStore(path, clock, MAX_BYTES)
    program = Program(1)
    for _ in range(20):
        await _send(store, _batch(program))
    await store.close()
    if reserve == "gone":
        path.with_name("store.sqlite-reserve").unlink()
    disk.fill()

    store = SqliteStore(path, clock, MAX_BYTES)
    await store.follow(["http://127.0.0.1:4318/v1/traces"])
    assert len(await numbers(store)) == 100
    if reserve == "gone":
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        with pytest.raises(StoreFailed):
            await store.write(_batch(program))
        assert len(await numbers(store)) == 100
        disk.clear()
    await _send(store, _batch(program))
    await _send(store, _batch(program))
    disk.clear()
    await _until_whole(store)
    assert not store._upkeep.is_exclusive
    assert store._outbox.is_followed
    await store.close()


@pytest.mark.parametrize("is_reading", [False, True])
async def test_all_that_the_store_has_on_the_disk_is_bounded(tmp_path: Path, clock: Clock, is_reading: bool) -> None:
    """File, log and reserve, after every batch, also while a reading that does not end keeps the log."""
    store = SqliteStore(tmp_path / "store.sqlite", clock, MAX_BYTES)
    program = Program(1)
    reading = asyncio.create_task(store._read(_endless)) if is_reading else None
    sizes = []
    for _ in range(120):
        await _send(store, _batch(program))
        sizes.append(_on_disk(tmp_path / "store.sqlite"))
    assert MAX_BYTES * 0.5 < max(sizes) <= MAX_BYTES * 1.1
    if reading:
        with pytest.raises(StoreFailed, match="interrupted"):
            await reading
    assert len(await numbers(store)) == 100
    await store.close()


def _endless(reading: ReadSnapshot) -> None:
    reading.connection.execute("SELECT count(*) FROM lifecycles").fetchone()
    reading.connection.execute(
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    ).fetchone()


async def test_the_bound_of_a_store_that_is_too_large_is_reached(tmp_path: Path, clock: Clock) -> None:
    """One that was begun with more is cut down, its file too."""
    path = tmp_path / "store.sqlite"
    store = SqliteStore(path, clock)
    program = Program(1)
    for _ in range(120):
        await _send(store, _batch(program))
    await store.close()
    assert _on_disk(path) > MAX_BYTES
    store = SqliteStore(path, clock, MAX_BYTES)
    for _ in range(60):
        await store.retain(None, MAX_BYTES)
    assert _on_disk(path) <= 1.01 * MAX_BYTES
    assert max(await numbers(store)) == 60_000
    await store.close()


def test_the_first_error_is_the_one_that_is_seen() -> None:
    """SQLite may have undone a transaction before we do; that is no error of its own."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        _fail_undone(connection)
    connection.close()
    roll_back(connection)


def _fail_undone(connection: sqlite3.Connection) -> None:
    with transaction(connection):
        connection.execute("ROLLBACK")
        connection.execute("INSERT INTO nowhere VALUES (1)")


def test_a_reserve_that_cannot_be_whole_is_not_there(tmp_path: Path) -> None:
    """Else it would take the last room from the store."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    try:
        reserve = Reserve(tmp_path / "reserve", 200_000)
        assert not reserve.allocate()
        assert not reserve.path.exists()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert reserve.allocate()
    assert reserve.path.stat().st_blocks * 512 >= 200_000
