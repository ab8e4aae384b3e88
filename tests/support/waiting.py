"""Tests wait for a thing, never for a time: these functions wait for a condition, and no longer than a bound.

The first looks follow each other at once, the later ones with growing pauses: a condition that other tasks of the loop
bring about costs no time, and one that another process brings about costs few looks.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

Value = TypeVar("Value")

_LOOKS_AT_ONCE = 20
_LONGEST_PAUSE_S = 0.05


async def until(condition: Callable[[], Value | Awaitable[Value]], seconds: float = 10.0) -> Value:
    """Return the condition's first true value. Raises TimeoutError with the last value after so many seconds."""
    end = time.monotonic() + seconds
    for pause in _pauses():
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"after {seconds:g} s the condition is still {value!r}")
        await asyncio.sleep(pause)
    raise AssertionError("the pauses have no end")


def until_blocking(condition: Callable[[], Value], seconds: float = 10.0) -> Value:
    """The same without an event loop."""
    end = time.monotonic() + seconds
    for pause in _pauses():
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"after {seconds:g} s the condition is still {value!r}")
        time.sleep(pause)
    raise AssertionError("the pauses have no end")


def _pauses() -> Iterator[float]:
    """Seconds."""
    yield from (0.0 for _ in range(_LOOKS_AT_ONCE))
    pause = 0.001
    while True:
        yield pause
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)
