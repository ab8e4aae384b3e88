"""Lanes: work done in threads, so much of a kind at a time. What is heavy has a lane of its own and delays nobody else.

Work has a time limit, counted from when it was asked for. What still waits then is never begun; what runs is asked to
stop, by its ``Deadline``. The same happens when nobody waits for its result any more.
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
    """Until when a piece of work may go on. Any thread may look."""

    def __init__(self, seconds: float) -> None:
        self._at = monotonic() + seconds
        self._is_given_up = False

    def give_up(self) -> None:
        """Nobody waits for the result."""
        self._is_given_up = True

    def is_over(self) -> bool:
        return self._is_given_up or monotonic() > self._at

    def check(self) -> None:
        """Go on, or not.

        Raises:
            ReadTooLong: it is over.
        """
        if self.is_over():
            raise too_long()


class Lane:
    """So many threads for one kind of work; what comes when all are busy waits in turn."""

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        self._threads = threads
        self._asked = 0  # what runs or waits
        self._executor = ThreadPoolExecutor(threads, f"tenure-{name}")

    async def run(self, work: Callable[[Deadline], T]) -> T:
        """What the work answers.

        Raises:
            ReadsBusy: MAX_READS_WAITING wait already.
            ReadTooLong: it was not done after READ_LIMIT_S.
        """
        if self._asked >= self._threads + MAX_READS_WAITING:
            raise ReadsBusy(
                f"{self._asked - self._threads} reads of this kind ({self.name}) are waiting, the limit"
                f" MAX_READS_WAITING is {MAX_READS_WAITING} (retry later)"
            )
        self._asked += 1
        deadline = Deadline(READ_LIMIT_S)
        try:
            async with in_time():
                return await asyncio.get_running_loop().run_in_executor(self._executor, _begin, work, deadline)
        finally:
            deadline.give_up()
            self._asked -= 1

    def close(self) -> None:
        """Wait for what runs; begin nothing else."""
        self._executor.shutdown(cancel_futures=True)


@asynccontextmanager
async def in_time() -> AsyncIterator[None]:
    """What is awaited within ends after READ_LIMIT_S.

    Raises:
        ReadTooLong: it had to be ended.
    """
    try:
        async with asyncio.timeout(READ_LIMIT_S):
            yield
    except TimeoutError:
        raise too_long() from None


def _begin(work: Callable[[Deadline], T], deadline: Deadline) -> T:
    deadline.check()
    return work(deadline)


def too_long() -> ReadTooLong:
    return ReadTooLong(
        f"the answer was not ready after {READ_LIMIT_S:g} s, the limit READ_LIMIT_S"
        " (ask for less: a lower limit, a shorter time, a single trace)"
    )
