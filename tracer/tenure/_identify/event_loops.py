"""The event loops of this process, numbered from 1 in the order in which they were first seen."""

from __future__ import annotations

import asyncio
import itertools
import weakref

from tenure._core import object_access
from tenure._core.object_access import ByIdentity
from tenure._identify import tracer

_ASYNCIOS = asyncio.BaseEventLoop


class EventLoops:
    """The numbers of one recording. No loop is kept alive."""

    def __init__(self) -> None:
        self._numbers: ByIdentity[int] = ByIdentity()
        self._without_reference: dict[int, int] = {}  # by address: those whose type allows no weak reference
        self._next_numbers = itertools.count(1)
        self._loops: dict[int, weakref.ref[object]] = {}  # by number

    def number(self, loop: object) -> int:
        """The number of this loop, a new one where it has none yet."""
        number = self._numbers.get(loop) or self._without_reference.get(id(loop))
        if number is not None:
            return number
        number = next(self._next_numbers)
        try:
            self._loops[number] = weakref.ref(loop)
        except TypeError:
            self._without_reference[id(loop)] = number
        else:
            self._numbers.put(loop, number)
        return number

    def loop(self, number: int) -> asyncio.AbstractEventLoop | None:
        """The loop of this number; None where it is gone."""
        reference = self._loops.get(number)
        return None if reference is None else reference()  # type: ignore[return-value]

    def others(self) -> list[asyncio.AbstractEventLoop]:
        """The loops that are not asyncio's own: uvloop's."""
        alive = (reference() for reference in list(self._loops.values()))
        return [loop for loop in alive if loop is not None and not issubclass(type(loop), _ASYNCIOS)]  # type: ignore[misc]


def note_loop_of(task: object) -> None:
    """Know the loop of this task of asyncio's from now on."""
    loop = object_access.attribute(task, "_loop")
    if loop is not None:
        known().number(loop)


def known() -> EventLoops:
    """The loops of the present recording."""
    return tracer.current.of(EventLoops)
