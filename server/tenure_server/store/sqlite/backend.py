"""The Store contract on SQLite."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tenure import wire
from tenure_server.background.lanes import Deadline, Lane
from tenure_server.errors import StoreFailed
from tenure_server.limits import CHECK_TIMEOUT_S, DEFAULT_DIAGRAM, GROUP_ROWS
from tenure_server.model.diagram_input import DiagramInput, LiveInput
from tenure_server.model.lens import Lens
from tenure_server.model.records import Lifecycle, Process, Resource, Trace
from tenure_server.model.waits import Stall, TaskState
from tenure_server.store.protocol import (
    Backlog,
    ClosedLifecycles,
    LifecycleQuery,
    Listing,
    Paging,
    ResourceQuery,
    ResourceSeries,
    Spans,
    StallQuery,
    StoreLocation,
    TaskQuery,
    Totals,
    TraceQuery,
)
from tenure_server.store.sqlite.file.connection import connect_reader
from tenure_server.store.sqlite.file.deadline import stopping
from tenure_server.store.sqlite.file.liveness import Liveness
from tenure_server.store.sqlite.file.sqlite_errors import is_damage, is_no_room
from tenure_server.store.sqlite.read.closed import read_closed
from tenure_server.store.sqlite.read.diagram_input import read_diagram_input
from tenure_server.store.sqlite.read.lifecycles import read_lifecycles
from tenure_server.store.sqlite.read.live_input import read_live_input
from tenure_server.store.sqlite.read.metric_rows import read_resource_series
from tenure_server.store.sqlite.read.processes import read_processes
from tenure_server.store.sqlite.read.reader_pool import ReaderPool
from tenure_server.store.sqlite.read.resources import read_resources
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot, read_within
from tenure_server.store.sqlite.read.stalls import read_stalls
from tenure_server.store.sqlite.read.tasks import read_tasks
from tenure_server.store.sqlite.read.traces import read_traces
from tenure_server.store.sqlite.upkeep.upkeep import Upkeep
from tenure_server.store.sqlite.write.outbox import Outbox
from tenure_server.store.sqlite.write.retention import Retention
from tenure_server.store.sqlite.write.writer import Writer
from tenure_server.store.sqlite.write.writer_thread import Work, WriterThread

T = TypeVar("T")

# The threads of each kind of read: lists, searches, diagrams, and large diagrams. A kind delays only itself.
_LANES = {"read": 2, "search": 2, "scene": 1, "scene-large": 1}
_SWEEP_NS = 30_000_000_000
_PROBE_BYTES = 65_536  # more than the free space in partly filled pages


class SqliteStore:
    """A store in one file or, with no path, in memory."""

    def __init__(
        self, path: Path | None, clock: Callable[[], int] = time.time_ns, max_bytes: int | None = None
    ) -> None:
        """Open the store, or create it.

        ``clock`` answers wall time in ns; ``max_bytes`` limits the size of all its files on the disk.

        Raises:
            StoreUnusable: no store can be opened at the path.
        """
        self.path = path
        self._clock = clock
        self._readers = ReaderPool(self._connect_reader)
        self._upkeep = Upkeep(path, clock, max_bytes, self._readers)
        self._swept_ns = 0
        self._unswept = False  # lifecycles were deleted since the last sweep, or a dead process has none left
        self._guard = threading.RLock()
        group_rows = min(GROUP_ROWS, self._upkeep.budget.group_rows)
        self._thread = WriterThread(self._upkeep.write, self._guard, self._upkeep.maintain, group_rows)
        self._lanes = {name: Lane(name, threads) for name, threads in _LANES.items()}
        self._counts = {"batches": 0, "repeated": 0, "lifecycles": 0}
        self._closed = False
        self._failure: StoreFailed | None = None  # of the last write

    def _connect_reader(self) -> sqlite3.Connection:
        assert self.path is not None
        return connect_reader(self.path)

    @property
    def _connection(self) -> sqlite3.Connection:
        return self._upkeep.parts.connection

    @property
    def _liveness(self) -> Liveness:
        return self._upkeep.parts.liveness

    @property
    def _outbox(self) -> Outbox:
        return self._upkeep.parts.outbox

    @property
    def _writer(self) -> Writer:
        return self._upkeep.parts.writer

    @property
    def _retention(self) -> Retention:
        return self._upkeep.parts.retention

    async def write(self, batch: wire.Batch) -> None:
        new = await self._write(batch)
        self._counts["repeated" if new is None else "batches"] += 1
        self._counts["lifecycles"] += new or 0

    async def write_spans(self, spans: Sequence[Spans]) -> None:
        if spans:
            self._counts["lifecycles"] += await self._write(spans) or 0

    async def _write(self, work: Work) -> int | None:
        """Write, and remember whether it succeeded, for ``check``."""
        try:
            new = await self._thread.write(work)
        except StoreFailed as failure:
            self._failure = failure
            raise
        self._failure = None
        return new

    async def processes(self, paging: Paging) -> Listing[Process]:
        return await self._read(lambda reading: read_processes(reading, paging))

    async def resources(self, query: ResourceQuery) -> Listing[Resource]:
        return await self._read(lambda reading: read_resources(reading, query))

    async def lifecycles(self, query: LifecycleQuery) -> Listing[Lifecycle]:
        return await self._read(lambda reading: read_lifecycles(reading, query), "search")

    async def traces(self, query: TraceQuery) -> Listing[Trace]:
        return await self._read(lambda reading: read_traces(reading, query), "search")

    async def tasks(self, query: TaskQuery) -> Listing[TaskState]:
        return await self._read(lambda reading: read_tasks(reading, query), "search")

    async def stalls(self, query: StallQuery) -> Listing[Stall]:
        return await self._read(lambda reading: read_stalls(reading, query), "search")

    async def diagram_input(self, lens: Lens, limit: int, keep: Collection[str] = ()) -> DiagramInput:
        lane = "scene" if limit <= DEFAULT_DIAGRAM else "scene-large"
        return await self._read(lambda reading: read_diagram_input(reading, lens, limit, keep), lane)

    async def live_input(self, lens: Lens, limit: int, keep: Collection[str], list_limit: int) -> LiveInput:
        lane = "scene" if limit <= DEFAULT_DIAGRAM else "scene-large"
        return await self._read(lambda reading: read_live_input(reading, lens, limit, keep, list_limit), lane)

    async def follow(self, followers: Sequence[str]) -> None:
        await self._thread.call(lambda: self._follow(followers))

    def _follow(self, followers: Sequence[str]) -> None:
        self._upkeep.ensure_open()
        try:
            self._outbox.follow(followers)
        except sqlite3.Error as error:
            failed = self._upkeep.failed(error)
            if not is_no_room(error):
                raise failed from error

    async def closed_lifecycles(self, follower: str, limit: int) -> ClosedLifecycles:
        return await self._read(lambda reading: read_closed(reading, follower, limit))

    async def acknowledge(self, follower: str, position: int, expired: int) -> None:
        await self._thread.call(lambda: self._outbox.acknowledge(follower, position, expired))

    async def abandon(self) -> int:
        return await self._thread.call(self._abandon)

    def _abandon(self) -> int:
        return self._outbox.abandon()

    def backlog(self, follower: str) -> Backlog:
        return self._outbox.backlog(follower)

    def location(self) -> StoreLocation | None:
        if self.path is None:
            return None
        path = os.fsencode(self.path.absolute())
        return StoreLocation(path, self._liveness.listening_since_ns, self._liveness.doubt_from_ns)

    async def resource_series(self) -> list[ResourceSeries]:
        return await self._read(read_resource_series)

    async def latest_ns(self) -> int | None:
        return await self._read(_latest_ns, "search")

    async def _read(self, read: Callable[[ReadSnapshot], T], lane: str = "read") -> T:
        if self._closed:
            raise StoreFailed("the store is closed")
        try:
            return await self._lanes[lane].run(lambda deadline: self._read_now(read, deadline))
        except StoreFailed as error:
            if is_damage(error.__cause__) and not self._closed:
                await self._thread.call(self._upkeep.examine)
            raise

    def _read_now(self, read: Callable[[ReadSnapshot], T], deadline: Deadline) -> T:
        try:
            with self._reader() as connection, stopping(connection, deadline):
                return read_within(connection, self._liveness, read)
        except sqlite3.Error as error:
            raise StoreFailed(f"the store could not be read: {error}") from error

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """A connection for one read. In memory, and on a full disk, the writer's connection is the only one."""
        if self._upkeep.is_exclusive:
            with self._guard:
                yield self._connection
        else:
            with self._readers.reader() as connection:
                yield connection

    async def retain(self, max_age_ns: int | None, max_bytes: int | None) -> int:
        if self._failure:
            await self._thread.call(self._probe)
            self._failure = None
        await self._thread.call(self._upkeep.ensure_open)
        deleted = 0
        if max_age_ns is not None:
            oldest_ns = self._clock() - max_age_ns
            while count := await self._thread.call(lambda: self._clear_traces(self._retention.delete_older(oldest_ns))):
                deleted += count
            self._unswept |= await self._thread.call(lambda: self._retention.has_empty_process(oldest_ns))
        if max_bytes is not None:
            limit = self._upkeep.budget.file or max_bytes
            while await self._thread.call(self._used_bytes) > limit:
                count = await self._thread.call(lambda: self._clear_traces(self._retention.delete_oldest()))
                if not count:
                    break
                deleted += count
        self._unswept |= bool(deleted)
        if self._unswept:
            await self._thread.call(self._sweep_if_due)
        return deleted

    def _used_bytes(self) -> int:
        return self._retention.used_bytes()

    def _clear_traces(self, deleted: int) -> int:
        """Clear the writer's caches of traces, because lifecycles were deleted; answer how many."""
        self._writer.forget_traces()
        return deleted

    def _sweep_if_due(self) -> None:
        if 0 <= self._clock() - self._swept_ns < _SWEEP_NS:
            return
        self._swept_ns = self._clock()
        try:
            self._retention.sweep()
            self._outbox.expire()
            self._unswept = False
        finally:
            self._writer.forget()

    async def check(self) -> None:
        """By the last write, and by whether the writer answers. After a failure, ``retain`` tries to write again."""
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await self._thread.call(self._check_files)
        except TimeoutError:
            raise StoreFailed(f"the store's writer has not answered for {CHECK_TIMEOUT_S:g} s") from None
        if self._failure:
            raise StoreFailed(str(self._failure))

    def _check_files(self) -> None:
        self._upkeep.ensure_open()
        self._upkeep.check_files()

    def _probe(self) -> None:
        self._check_files()
        self._connection.execute("INSERT INTO probe VALUES (zeroblob(?))", (_PROBE_BYTES,))
        self._connection.execute("DELETE FROM probe")

    def totals(self) -> Totals:
        return Totals(
            **self._counts,
            queued_batches=self._thread.queued_batches,
            queued_rows=self._thread.queued_rows,
            dropped=dict(self._writer.dropped),
        )

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._thread.close()
        for lane in self._lanes.values():
            await asyncio.to_thread(lane.close)
        self._readers.close_all()
        self._upkeep.close()


def _latest_ns(reading: ReadSnapshot) -> int | None:
    latest: int | None
    (latest,) = reading.connection.execute(
        "SELECT max(at) FROM (SELECT max(acquire_ns + ifnull(wait_ns, 0) + ifnull(hold_ns, 0) + ifnull(release_ns, 0))"
        " AS at FROM lifecycles UNION ALL SELECT max(finished_ns) FROM tasks)"
    ).fetchone()
    return latest
