"""The one thread that writes: batches in the order of their arrival, grouped into transactions; calls between them."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, Protocol, TypeAlias, TypeVar

from tenure import wire
from tenure_server.errors import StoreBusy, StoreFailed
from tenure_server.limits import GROUP_ROWS, MAX_QUEUED_BATCHES, MAX_QUEUED_ROWS
from tenure_server.store.protocol import Spans

T = TypeVar("T")

Work: TypeAlias = wire.Batch | Sequence[Spans]  # it is written whole or not at all
WriteAll: TypeAlias = Callable[[list[Work]], list[int | None]]


class _Job(Generic[T]):
    """The future of a caller that waits in its own event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self._loop.create_future()

    def settle(self, result: T | Exception) -> None:
        """Wake the caller. Any thread may call it."""
        with suppress(RuntimeError):  # the loop is closed: the caller does not wait any more
            self._loop.call_soon_threadsafe(self._set, result)

    def _set(self, result: T | Exception) -> None:
        if self.future.done():
            return
        if isinstance(result, Exception):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)


class _Write(_Job["int | None"]):
    """Work to write; the result is the number of new lifecycles, None for a batch that was written before."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self.work = work

    @property
    def rows(self) -> int:
        if isinstance(self.work, wire.Batch):
            return len(self.work.rows)
        return sum(len(spans.rows) for spans in self.work)


class _Call(_Job[T]):
    """A function to call; the result is what it returns."""

    def __init__(self, function: Callable[[], T]) -> None:
        super().__init__()
        self._function = function

    def run(self) -> None:
        self.settle(_attempt(self._function))


class _Runnable(Protocol):
    def run(self) -> None: ...


class WriterThread:
    """Runs ``write`` and other functions of the writer's connection, one after another, off the event loop."""

    def __init__(
        self, write: WriteAll, guard: threading.RLock, maintain: Callable[[], None], group_rows: int = GROUP_ROWS
    ) -> None:
        """``guard`` is held while the connection is used; ``maintain`` is called between transactions.

        One transaction has about ``group_rows`` rows.
        """
        self._write = write
        self._maintain = maintain
        self._group_rows = group_rows
        self._guard = guard
        self._jobs: deque[_Write | _Runnable] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self.queued_batches = 0
        self.queued_rows = 0
        self._thread = threading.Thread(target=self._run, name="tenure-store", daemon=True)
        self._thread.start()

    async def write(self, work: Work) -> int | None:
        """Wait until it is committed; see ``Writer.write``.

        Raises:
            StoreBusy: MAX_QUEUED_BATCHES batches or MAX_QUEUED_ROWS rows wait.
            StoreFailed: the database could not write.
        """
        job = _Write(work)
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
        return await job.future

    async def call(self, function: Callable[[], T]) -> T:
        """Call the function between two transactions; wait for its result.

        Raises:
            StoreFailed: the database failed, or the store is closed.
        """
        job = _Call(function)
        with self._changed:
            if self._closing:
                raise StoreFailed("the store is closed")
            self._jobs.append(job)
            self._changed.notify()
        return await job.future

    async def close(self) -> None:
        """Let the thread finish its queue, then end it."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while group := self._next_group():
            with self._guard:
                if isinstance(group, list):
                    self._do_writes(group)
                else:
                    group.run()
                self._maintain()

    def _next_group(self) -> list[_Write] | _Runnable | None:
        """Wait for the next call, or for writes that fit into one transaction; None: the thread is to end."""
        with self._changed:
            while not self._jobs:
                if self._closing:
                    return None
                self._changed.wait()
            first = self._jobs.popleft()
            if not isinstance(first, _Write):
                return first
            group = [first]
            rows = first.rows
            while self._jobs and isinstance(write := self._jobs[0], _Write) and rows < self._group_rows:
                self._jobs.popleft()
                group.append(write)
                rows += write.rows
            return group

    def _do_writes(self, group: list[_Write]) -> None:
        result = _attempt(lambda: self._write([write.work for write in group]))
        with self._changed:
            self.queued_batches -= len(group)
            self.queued_rows -= sum(write.rows for write in group)
        if isinstance(result, list):
            for write, new in zip(group, result, strict=True):
                write.settle(new)
        elif len(group) == 1 or isinstance(result, StoreFailed):
            for write in group:
                write.settle(result)
        else:  # one of them cannot be written: the others must not fail with it
            for write in group:
                self._write_alone(write)

    def _write_alone(self, write: _Write) -> None:
        result = _attempt(lambda: self._write([write.work]))
        write.settle(result[0] if isinstance(result, list) else result)


def _attempt(function: Callable[[], T]) -> T | Exception:
    try:
        return function()
    except sqlite3.Error as error:
        return StoreFailed(f"the store failed: {error}")
    except Exception as error:  # noqa: BLE001 -- it is raised for the caller that waits
        return error
