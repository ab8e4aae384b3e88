"""An event loop in which nothing depends on time or on addresses, so that a program does the same every time.

Its clock jumps to the next timer when nothing else can be done, and it stops when nothing is left to wait for.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import weakref
from collections.abc import AsyncGenerator, Coroutine, Mapping
from typing import Any

_ROUNDS = 100  # of cancelling; no program swallows so many


class _Stuck(Exception):
    """Nobody can go on."""


class _Jumping(selectors.SelectSelector):
    """Waits for nothing."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise _Stuck
        self.now += timeout
        return []


class Loop(asyncio.SelectorEventLoop):
    """Knows its tasks and generators in the order of their beginnings."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)
        self.made: list[asyncio.Task[Any]] = []
        self._generators: list[weakref.ref[AsyncGenerator[Any, Any]]] = []

    def time(self) -> float:
        return self._jumping.now

    def create_task(self, coro: Any, **named: Any) -> asyncio.Task[Any]:
        task = super().create_task(coro, **named)
        self.made.append(task)
        return task

    def call_exception_handler(self, context: Mapping[str, Any]) -> None:
        """What nobody fetched is compared all the same."""

    def go_on(self) -> None:
        """Do all that can be done."""
        with contextlib.suppress(_Stuck):
            self.run_forever()

    def finish(self, main: Coroutine[Any, Any, object], before_the_end: Any) -> None:
        """Run a program until it is over, be it that everybody waits for ever; then cancel who is left, in order."""
        self.create_task(main)
        self.go_on()
        before_the_end()
        for _ in range(_ROUNDS):
            if not (left := [task for task in self.made if not task.done()]):
                break
            left[0].cancel("at the end")
            self.go_on()
        self._close_generators()

    def _close_generators(self) -> None:
        for reference in self._generators:
            if (generator := reference()) is not None:
                self.create_task(generator.aclose())
                del generator
                self.go_on()

    def _asyncgen_firstiter_hook(self, agen: AsyncGenerator[Any, Any]) -> None:
        self._generators.append(weakref.ref(agen))
        super()._asyncgen_firstiter_hook(agen)  # type: ignore[misc]
