"""A disk that is full under the collector's store: it goes on as far as its reserve and the retention make room."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from benchmarks.lifecycle_batches import batches
from tests.qualification.faults.collector import HELD, Collector
from tests.qualification.faults.program_run import LIMIT, limited
from tests.qualification.faults.scenarios import Stage, scenario
from tests.qualification.faults.verdict import Verdict, judge, stored_by_collector

_DISK_BYTES = 12_000_000
_MAX_SIZE = "6MB"  # of the store: the disk has room for it, as long as nobody else fills it
_BEFORE, _MEANWHILE = 110, 20  # batches of 500 lifecycles: the store is at its bound before the disk is full
_BLOCK = 64 * 1024


class _Disk(Protocol):
    """Where the store is. ``makes_room``: deleting from one file leaves room for another."""

    directory: Path
    makes_room: bool

    def fill(self, collector: Collector) -> None:
        """No block is left."""

    def free(self, collector: Collector) -> None:
        """There is room again."""


class _SmallDisk(NamedTuple):
    """A file system in memory, of a few megabytes."""

    directory: Path
    makes_room: bool = True

    def fill(self, collector: Collector) -> None:
        """Write another file until nothing more can be written."""
        size = _BLOCK
        with (self.directory / "ballast").open("wb", buffering=0) as ballast:
            while size:
                try:
                    ballast.write(bytes(size))
                except OSError:
                    size //= 2

    def free(self, collector: Collector) -> None:
        """Delete it."""
        (self.directory / "ballast").unlink()


class _LimitedFiles(NamedTuple):
    """A directory, and a collector whose files may not grow (RLIMIT_FSIZE)."""

    directory: Path
    makes_room: bool = False

    def fill(self, collector: Collector) -> None:
        """Nothing may be written beyond the middle of the store's file."""
        size = collector.store.stat().st_size // 2
        collector.before = limited(resource.RLIMIT_FSIZE, size)
        resource.prlimit(collector.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def free(self, collector: Collector) -> None:
        """Files have no limit."""
        collector.before = None
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(collector.process.pid, resource.RLIMIT_FSIZE, unlimited)


@contextmanager
def _disk(stage: Stage) -> Iterator[_Disk]:
    """A small disk where one may be mounted, else a limit for files."""
    directory = stage.directory / "disk"
    directory.mkdir()
    options = f"size={_DISK_BYTES}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tenure-faults", str(directory)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        yield _LimitedFiles(directory)
        return
    try:
        yield _SmallDisk(directory)
    finally:
        subprocess.run(["umount", str(directory)], check=True)


@scenario("disk full heals")
def heals(stage: Stage) -> Verdict:
    """Another program fills the disk while the retention has to make room; what is sent meanwhile is stored."""
    return _filled(stage, again=False)


@scenario("restart on a full disk")
def again(stage: Stage) -> Verdict:
    """The same, and the collector is killed and started on the disk that is full."""
    return _filled(stage, again=True)


def _filled(stage: Stage, *, again: bool) -> Verdict:
    plain = stage.plain_until_told()
    bodies = batches(_BEFORE + _MEANWHILE)
    with (
        _disk(stage) as disk,
        stage.collector("--max-size", _MAX_SIZE, store=disk.directory / "store.sqlite") as collector,
    ):
        for body in bodies[:_BEFORE]:
            collector.store_batch(body)
        program = stage.start("--collector", collector.url)
        program.wait_for_releases(50)
        disk.fill(collector)
        if again:
            collector.kill()
            collector.start()
        if not disk.makes_room:
            _until_full(stage)
            disk.free(collector)
        for body in bodies[_BEFORE:]:
            collector.store_batch(body)
        _until_full(stage)
        _until_stored(collector, 150)
        program.finish()
        recorded = program.wait()
        verdict = judge(plain, recorded, stored_by_collector(collector))
        if disk.makes_room:
            disk.free(collector)
        collector.get("/readyz")
    return verdict


def _until_stored(collector: Collector, lifecycles: int) -> None:
    """Wait until so many of the program's are stored: the collector keeps up with it again."""
    deadline = time.monotonic() + LIMIT
    while sum(item["total"] for item in collector.items("/api/resources") if item["kind"] == HELD) < lifecycles:
        assert time.monotonic() < deadline, "the collector gets nothing of the program's"
        time.sleep(0.05)


def _until_full(stage: Stage) -> None:
    """Wait until the collector has noticed the fault, which is one line in its log."""
    deadline = time.monotonic() + LIMIT
    while "store.sqlite is full" not in (stage.directory / "collector.log").read_text():
        assert time.monotonic() < deadline, "the collector did not notice that its disk is full"
        time.sleep(0.05)
