"""Lanes: threads for one kind of work, with a queue of its own. So heavy work delays only work of the same kind.

Work has a time limit, from the call on. At the limit, work that waits is dropped, and work that runs is stopped by its
``Deadline``. The same happens when the caller does not wait any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from time import monotonic
from typing import TypeVar

from tenure_server.errors import ReadsBusy, ReadTooLong
from tenure_server.limits import MAX_READS_WAITING, READ_LIMIT_S

T = TypeVar("T")


class Deadline:
    """The time until which work may run. Any thread may use it."""

    def __init__(self, seconds: float) -> None:
        self._at = monotonic() + seconds
        self._is_given_up = False

    def give_up(self) -> None:
        """The caller does not wait any more."""
        self._is_given_up = True

    def is_over(self) -> bool:
        return self._is_given_up or monotonic() > self._at

    def check(self) -> None:
        """Raise if the time is over.

        Raises:
            ReadTooLong: it is over.
        """
        if self.is_over():
            raise read_too_long()


class Lane:
    """Threads for one kind of work. While all are busy, further work waits in the order of the calls."""

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        self._threads = threads
        self._pending = 0  # runs or waits
        self._executor = ThreadPoolExecutor(threads, f"tenure-{name}")

    async def run(self, work: Callable[[Deadline], T]) -> T:
        """Call ``work`` in a thread of the lane; answer its result.

        Raises:
            ReadsBusy: MAX_READS_WAITING calls wait already.
            ReadTooLong: there was no result after READ_LIMIT_S.
        """
        if self._pending >= self._threads + MAX_READS_WAITING:
            raise ReadsBusy(
                f"{self._pending - self._threads} reads of this kind ({self.name}) are waiting, the limit"
                f" MAX_READS_WAITING is {MAX_READS_WAITING} (retry later)"
            )
        self._pending += 1
        deadline = Deadline(READ_LIMIT_S)
        try:
            async with read_limit():
                return await asyncio.get_running_loop().run_in_executor(self._executor, _begin, work, deadline)
        finally:
            deadline.give_up()
            self._pending -= 1

    def close(self) -> None:
        """Wait for the work that runs; drop the work that waits."""
        self._executor.shutdown(cancel_futures=True)


@asynccontextmanager
async def read_limit() -> AsyncIterator[None]:
    """Limit what is awaited within to READ_LIMIT_S.

    Raises:
        ReadTooLong: the limit was reached.
    """
    try:
        async with asyncio.timeout(READ_LIMIT_S):
            yield
    except TimeoutError:
        raise read_too_long() from None


def _begin(work: Callable[[Deadline], T], deadline: Deadline) -> T:
    deadline.check()
    return work(deadline)


def read_too_long() -> ReadTooLong:
    return ReadTooLong(
        f"the answer was not ready after {READ_LIMIT_S:g} s, the limit READ_LIMIT_S"
        " (ask for less: a lower limit, a shorter time, a single trace)"
    )
