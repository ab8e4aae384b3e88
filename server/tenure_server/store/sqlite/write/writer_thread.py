"""The one thread that writes: batches in the order they came, grouped into transactions, other work between them."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from tenure import wire
from tenure_server.errors import StoreBusy, StoreFailed
from tenure_server.limits import GROUP_ROWS, MAX_QUEUED_BATCHES, MAX_QUEUED_ROWS
from tenure_server.store.protocol import Spans

T = TypeVar("T")

Work = wire.Batch | Sequence[Spans]  # what is written whole or not at all
WriteAll = Callable[[list[Work]], list[int | None]]


class _Job:
    """Something to do, and the future of whoever waits for it."""

    def __init__(self, *, work: Work | None = None, function: Callable[[], object] | None = None) -> None:
        self.work = work
        self.function = function
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()

    @property
    def rows(self) -> int:
        if isinstance(self.work, wire.Batch):
            return len(self.work.rows)
        return sum(len(part.rows) for part in self.work or ())

    def settle(self, value: object) -> None:
        """Wake who waits, in its own event loop, with a value or an exception."""
        with suppress(RuntimeError):  # its loop is closed: nobody waits
            self.loop.call_soon_threadsafe(_set, self.future, value)


class WriterThread:
    """Runs ``write`` and other functions of the writer's connection, one after another, off the event loop."""

    def __init__(
        self, write: WriteAll, guard: threading.RLock, tidy: Callable[[], None], group_rows: int = GROUP_ROWS
    ) -> None:
        """``tidy`` is called between transactions; about ``group_rows`` rows are written in one."""
        self._write = write
        self._tidy = tidy
        self._group_rows = group_rows
        self._guard = guard  # held while the connection is used
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self.queued_batches = 0
        self.queued_rows = 0
        self._thread = threading.Thread(target=self._run, name="tenure-store", daemon=True)
        self._thread.start()

    async def write(self, work: Work) -> int | None:
        """Wait until it is committed; see ``Writer.write``.

        Raises:
            StoreBusy: more than MAX_QUEUED_BATCHES batches or MAX_QUEUED_ROWS rows would wait.
            StoreFailed: the database could not write.
        """
        job = _Job(work=work)
        with self._changed:
            if self._closing:
                raise StoreBusy("the store is closing")
            if self.queued_batches >= MAX_QUEUED_BATCHES or self.queued_rows >= MAX_QUEUED_ROWS:
                raise StoreBusy(
                    f"{self.queued_batches} batches with {self.queued_rows} rows wait to be written (retry later)"
                )
            self.queued_batches += 1
            self.queued_rows += job.rows
            self._jobs.append(job)
            self._changed.notify()
        new: int | None = await job.future
        return new

    async def call(self, function: Callable[[], T]) -> T:
        """Wait for what the function answers, run between two transactions.

        Raises:
            StoreFailed: the database failed, or the store is closed.
        """
        job = _Job(function=function)
        with self._changed:
            if self._closing:
                raise StoreFailed("the store is closed")
            self._jobs.append(job)
            self._changed.notify()
        result: T = await job.future
        return result

    async def close(self) -> None:
        """Let the thread do all that is waiting, then end it."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while jobs := self._next():
            with self._guard:
                if jobs[0].function:
                    jobs[0].settle(_attempt(jobs[0].function))
                else:
                    self._do_writes(jobs)
                self._tidy()

    def _next(self) -> list[_Job]:
        """Wait for work: a single call, or writes that stand together; nothing: it is time to end."""
        with self._changed:
            while not self._jobs:
                if self._closing:
                    return []
                self._changed.wait()
            group = [self._jobs.popleft()]
            rows = group[0].rows
            while group[0].work and self._jobs and self._jobs[0].work and rows < self._group_rows:
                group.append(self._jobs.popleft())
                rows += group[-1].rows
            return group

    def _do_writes(self, jobs: list[_Job]) -> None:
        result = _attempt(lambda: self._write([job.work for job in jobs if job.work]))
        with self._changed:
            self.queued_batches -= len(jobs)
            self.queued_rows -= sum(job.rows for job in jobs)
        if isinstance(result, list):
            for job, new in zip(jobs, result, strict=True):
                job.settle(new)
        elif len(jobs) == 1 or isinstance(result, StoreFailed):
            for job in jobs:
                job.settle(result)
        else:  # one of them cannot be written: find out which, the others must not suffer for it
            for job in jobs:
                self._do_alone(job)

    def _do_alone(self, job: _Job) -> None:
        assert job.work
        work = job.work
        result = _attempt(lambda: self._write([work]))
        job.settle(result[0] if isinstance(result, list) else result)


def _attempt(function: Callable[[], T]) -> T | Exception:
    try:
        return function()
    except sqlite3.Error as error:
        return StoreFailed(f"the store failed: {error}")
    except Exception as error:  # noqa: BLE001 -- it belongs to whoever waits for the job
        return error


def _set(future: asyncio.Future[Any], value: object) -> None:
    if future.done():
        return
    if isinstance(value, Exception):
        future.set_exception(value)
    else:
        future.set_result(value)
