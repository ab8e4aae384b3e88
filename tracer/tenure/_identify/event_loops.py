"""The event loops of this process, numbered from 1 in the order in which they were first seen."""

from __future__ import annotations

import asyncio
import weakref

from tenure._core import object_access
from tenure._core.object_access import ByIdentity
from tenure._identify import tracer

_ASYNCIOS = asyncio.BaseEventLoop


class EventLoops:
    """The numbers of one recording. No loop is kept alive."""

    def __init__(self) -> None:
        self._numbers: ByIdentity[int] = ByIdentity()
        self._loops: list[weakref.ref[object]] = []  # by number, from 1

    def number(self, loop: object) -> int:
        """The number of this loop, a new one where it has none yet; 0 where it cannot be known again."""
        number = self._numbers.get(loop)
        if number is not None:
            return number
        try:
            self._loops.append(weakref.ref(loop))
        except TypeError:
            return 0
        number = len(self._loops)
        self._numbers.put(loop, number)
        return number

    def loop(self, number: int) -> asyncio.AbstractEventLoop | None:
        """The loop of this number; None where it is gone."""
        return self._loops[number - 1]() if number else None  # type: ignore[return-value]

    def others(self) -> list[asyncio.AbstractEventLoop]:
        """The loops that are not asyncio's own: uvloop's."""
        alive = (reference() for reference in self._loops)
        return [loop for loop in alive if loop is not None and not issubclass(type(loop), _ASYNCIOS)]  # type: ignore[misc]


def note_loop_of(task: object) -> None:
    """Know the loop of this task of asyncio's from now on."""
    loop = object_access.attribute(task, "_loop")
    if loop is not None:
        known().number(loop)


def known() -> EventLoops:
    """The loops of the present recording."""
    return tracer.current.of(EventLoops)
