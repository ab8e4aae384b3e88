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
from queue import LifoQueue
from typing import TypeVar

from tenure import wire
from tenure_server.diagram.steps import Lens
from tenure_server.errors import StoreFailed
from tenure_server.lanes import Deadline, Lane
from tenure_server.limits import CHECK_TIMEOUT_S, DEFAULT_DIAGRAM
from tenure_server.records import Lifecycle, Process, Resource, Trace
from tenure_server.store.protocol import (
    Backlog,
    Endings,
    LifecycleQuery,
    Listing,
    Measured,
    Paging,
    Place,
    ResourceQuery,
    Scene,
    Spans,
    Totals,
    TraceQuery,
)
from tenure_server.store.sqlite.aliveness import Aliveness
from tenure_server.store.sqlite.connecting import connect, open_store
from tenure_server.store.sqlite.endings import read_endings
from tenure_server.store.sqlite.lifecycles import read_lifecycles
from tenure_server.store.sqlite.measures import read_measures
from tenure_server.store.sqlite.outbox import Outbox
from tenure_server.store.sqlite.processes import read_processes
from tenure_server.store.sqlite.reading import Reading, read_within
from tenure_server.store.sqlite.resources import read_resources
from tenure_server.store.sqlite.retention import Retention
from tenure_server.store.sqlite.scenes import read_scene
from tenure_server.store.sqlite.stopping import Stoppable, stopping
from tenure_server.store.sqlite.thread import Work, WriterThread
from tenure_server.store.sqlite.traces import read_traces
from tenure_server.store.sqlite.writer import Writer

T = TypeVar("T")

# Readers of one kind wait for each other and for nobody else: what lists, what searches, what is drawn, what is large.
_LANES = {"read": 2, "search": 2, "scene": 1, "scene-large": 1}
_SWEEP_NS = 30_000_000_000
_PROBE_BYTES = 65_536  # more than what free room in half-filled pages could take


class SqliteStore:
    """A store in one file or, with no path, in memory."""

    def __init__(self, path: Path | None, clock: Callable[[], int] = time.time_ns) -> None:
        """Open or make it. ``clock`` tells wall time in ns.

        Raises:
            StoreUnusable: the file cannot be a store.
        """
        self.path = path
        self._clock = clock
        self._connection, self._lock = open_store(path)
        self._aliveness = Aliveness.from_now_on(self._connection, clock)
        self._outbox = Outbox(self._connection, self._aliveness)
        self._writer = Writer(self._connection, clock, self._outbox)
        self._retention = Retention(self._connection, self._aliveness)
        self._swept_ns = 0
        self._unswept = False  # something was deleted since the last sweep, or a process has nothing left
        self._guard = threading.RLock()
        self._thread = WriterThread(self._writer.write, self._guard)
        self._lanes = {name: Lane(name, threads) for name, threads in _LANES.items()}
        self._readers: LifoQueue[sqlite3.Connection] = LifoQueue()
        self._counts = {"batches": 0, "repeated": 0, "lifecycles": 0}
        self._closed = False
        self._failure: StoreFailed | None = None  # of the last write

    async def write(self, batch: wire.Batch) -> None:
        new = await self._write(batch)
        self._counts["repeated" if new is None else "batches"] += 1
        self._counts["lifecycles"] += new or 0

    async def write_spans(self, spans: Sequence[Spans]) -> None:
        if spans:
            self._counts["lifecycles"] += await self._write(spans) or 0

    async def _write(self, work: Work) -> int | None:
        """Write, and note whether it could be done: that is what ``check`` tells."""
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

    async def scene(self, lens: Lens, limit: int, keep: Collection[str] = ()) -> Scene:
        lane = "scene" if limit <= DEFAULT_DIAGRAM else "scene-large"
        return await self._read(lambda reading: read_scene(reading, lens, limit, keep), lane)

    async def follow(self, followers: Sequence[str]) -> None:
        await self._thread.call(lambda: self._outbox.follow(followers))

    async def endings(self, follower: str, limit: int) -> Endings:
        return await self._read(lambda reading: read_endings(reading, follower, limit))

    async def acknowledge(self, follower: str, position: int, expired: int) -> None:
        await self._thread.call(lambda: self._outbox.acknowledge(follower, position, expired))

    async def abandon(self) -> int:
        return await self._thread.call(self._outbox.abandon)

    def backlog(self, follower: str) -> Backlog:
        return self._outbox.backlog(follower)

    def place(self) -> Place | None:
        if self.path is None:
            return None
        path = os.fsencode(self.path.absolute())
        return Place(path, self._aliveness.listening_since_ns, self._aliveness.doubt_from_ns)

    async def measures(self) -> list[Measured]:
        return await self._read(read_measures)

    async def latest_ns(self) -> int | None:
        return await self._read(_latest_ns, "search")

    async def _read(self, read: Callable[[Reading], T], lane: str = "read") -> T:
        if self._closed:
            raise StoreFailed("the store is closed")
        return await self._lanes[lane].run(lambda deadline: self._read_now(read, deadline))

    def _read_now(self, read: Callable[[Reading], T], deadline: Deadline) -> T:
        with self._reader() as connection, stopping(connection, deadline):
            return read_within(connection, self._aliveness, read)

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """A connection for one reading. In memory there is only one, the writer's."""
        if self.path is None:
            with self._guard:
                yield self._connection
            return
        if self._readers.empty():
            connection = connect(self.path, Stoppable)
            connection.execute("PRAGMA query_only = ON")
        else:
            connection = self._readers.get_nowait()
        try:
            yield connection
        finally:
            self._readers.put(connection)

    async def retain(self, max_age_ns: int | None, max_bytes: int | None) -> int:
        if self._failure:
            await self._thread.call(self._probe)
            self._failure = None
        deleted = 0
        if max_age_ns is not None:
            oldest_ns = self._clock() - max_age_ns
            while count := await self._thread.call(lambda: self._forgetting(self._retention.delete_older(oldest_ns))):
                deleted += count
            self._unswept |= await self._thread.call(lambda: self._retention.has_empty(oldest_ns))
        if max_bytes is not None:
            while await self._thread.call(self._retention.used_bytes) > max_bytes:
                count = await self._thread.call(lambda: self._forgetting(self._retention.delete_oldest()))
                if not count:
                    break
                deleted += count
        self._unswept |= bool(deleted)
        if self._unswept:
            await self._thread.call(self._sweep_now_and_then)
        return deleted

    def _forgetting(self, deleted: int) -> int:
        """So many lifecycles were deleted: what is remembered of their traces is not true any more."""
        self._writer.forget_traces()
        return deleted

    def _sweep_now_and_then(self) -> None:
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
        """The last write tells, and a writer that answers. Where it failed, ``retain`` tries again, now and then."""
        if self._failure:
            raise StoreFailed(str(self._failure))
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await self._thread.call(lambda: None)
        except TimeoutError:
            raise StoreFailed(f"the store's writer has not answered for {CHECK_TIMEOUT_S:g} s") from None

    def _probe(self) -> None:
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
        while not self._readers.empty():
            self._readers.get_nowait().close()
        self._connection.close()
        if self._lock:
            self._lock.release()


def _latest_ns(reading: Reading) -> int | None:
    latest: int | None
    (latest,) = reading.connection.execute(
        "SELECT max(at) FROM (SELECT max(acquire_ns + ifnull(wait_ns, 0) + ifnull(hold_ns, 0) + ifnull(release_ns, 0))"
        " AS at FROM lifecycles UNION ALL SELECT max(finished_ns) FROM tasks)"
    ).fetchone()
    return latest
