"""The store's files: bounded at full rate, healed after a full disk, and never lost without a word."""

from __future__ import annotations

import asyncio
import logging
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from benchmarks.lifecycle_batches import batches
from tests.qualification.reliability.experiment import Experiment, Measured

from tenure import wire
from tenure_server.errors import StoreError
from tenure_server.store import LifecycleQuery, Paging
from tenure_server.store.sqlite import SqliteStore
from tenure_server.store.sqlite.upkeep.disk_space import Budget
from tenure_server.store.sqlite.upkeep.trimming import Trimming
from tenure_server.store.sqlite.upkeep.upkeep import Upkeep

_MAX_BYTES = 4_000_000
_LIMIT_S = 20.0


def run(short: bool, seed: int, mutated: bool) -> Measured:
    """Ingest past the bound, fill the disk, then do each fault to a store's file."""
    log = logging.getLogger("tenure.server")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        if not mutated:
            return asyncio.run(_measure(short))
        with (
            mock.patch.object(Upkeep, "check_files", return_value=None),
            mock.patch.object(Trimming, "trim", return_value=None),
            mock.patch.object(Budget, "reserve", 0),
        ):
            return asyncio.run(_measure(True))
    finally:
        log.setLevel(level)


async def _measure(short: bool) -> Measured:
    wrong: list[str] = []
    bodies = [wire.decode(body) for body in batches(100 if short else 1_000)]
    ratio = await _ingest(bodies)
    if ratio > 1.1:
        wrong.append(f"the files have {ratio:.2f} times --max-size")
    healed = await _fill(bodies[:100])
    if healed > _LIMIT_S:
        wrong.append(f"a disk that was full had not healed after {healed:.1f} s")
    rounds = 1 if short else 10
    for _ in range(rounds):
        for fault in _FAULTS:
            missing = await _break(fault, bodies[:30])
            if missing:
                wrong.append(f"{fault.__name__}: {missing} lifecycles were acknowledged and are not in the store")
    numbers: dict[str, int | float | str] = {
        "bytes on disk at most, of --max-size": round(ratio, 3),
        "to heal after a full disk, s": round(healed, 1),
        "faults done to the file": rounds * len(_FAULTS),
        "lifecycles sent": sum(len(batch.rows) for batch in bodies),
    }
    return Measured(2 + rounds * len(_FAULTS), wrong, numbers)


async def _send(store: SqliteStore, batch: wire.Batch) -> bool:
    """Until it is stored; false: it never was."""
    deadline = time.monotonic() + _LIMIT_S
    while time.monotonic() < deadline:
        try:
            await store.write(batch)
        except StoreError:
            await asyncio.sleep(0.05)
        else:
            return True
    return False


async def _ingest(bodies: list[wire.Batch]) -> float:
    """The most that the files had, as a part of the bound; a look after every batch."""
    with tempfile.TemporaryDirectory() as directory:
        store = SqliteStore(Path(directory) / "store.sqlite", max_bytes=_MAX_BYTES)
        most = 0
        for start in range(0, len(bodies), 4):
            await asyncio.gather(*(_send(store, batch) for batch in bodies[start : start + 4]))
            most = max(most, await asyncio.to_thread(_size, Path(directory)))
        await store.close()
    return most / _MAX_BYTES


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.iterdir() if path.exists())


async def _fill(bodies: list[wire.Batch]) -> float:
    """Seconds from the end of a fault, in which no file could grow, to the next batch that is stored."""
    with tempfile.TemporaryDirectory() as directory:
        store = SqliteStore(Path(directory) / "store.sqlite", max_bytes=_MAX_BYTES)
        for batch in bodies[:60]:
            await _send(store, batch)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            for batch in bodies[60:65]:
                try:
                    await store.write(batch)
                except StoreError:
                    continue
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        began = time.monotonic()
        await _send(store, bodies[65])
        healed = time.monotonic() - began
        await store.close()
    return healed


async def _break(fault: Callable[[Path], None], bodies: list[wire.Batch]) -> int:
    """Lifecycles that were acknowledged after the fault and are not there."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "store.sqlite"
        store = SqliteStore(path)
        for batch in bodies[:10]:
            await _send(store, batch)
        fault(path)
        sent = 0
        for batch in bodies[10:]:
            sent += len(batch.rows) * await _send(store, batch)
        await store.close()
        try:
            store = SqliteStore(path)
            stored = len((await store.lifecycles(LifecycleQuery(paging=Paging(20_000)))).items)
            await store.close()
        except StoreError:
            stored = 0
    return max(sent - stored, 0)


def _unlink(path: Path) -> None:
    path.unlink()


def _replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"remember the milk" * 1_000)
    other.rename(path)


def _truncate(path: Path) -> None:
    path.write_bytes(b"")


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\x5a" * path.stat().st_size)


def _unlink_log(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


_FAULTS = [_unlink, _replace, _truncate, _overwrite, _unlink_log]

EXPERIMENT = Experiment(
    "store_on_disk",
    "--max-size bounds file, log and reserve within 10 %, a full disk heals, and what is acknowledged after the file"
    " was deleted, replaced or damaged is in the store",
    run,
    "reserve, retention by the writer and the look after each commit are off",
)
