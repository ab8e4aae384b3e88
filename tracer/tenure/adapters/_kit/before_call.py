"""Reads the arguments of a library's function before it is called; the program does not see that."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable

from tenure._core.wrapping import Method
from tenure._patching.bodies import immediate


def looking(original: Method, look: Callable[..., None], what: str) -> Method:
    """What calls ``look`` and then ``original``, with the same arguments; what is awaited is the original's coroutine.

    ``what``: said where looking fails.
    """

    def begin(arguments: tuple[object, ...], named: dict[str, object]) -> None:
        look(*arguments, **named)

    before = immediate.function(original, what, before=begin)
    if inspect.iscoroutinefunction(original):
        _mark(before)
    return before


def _mark(function: Method) -> None:
    """Let whoever asks see a coroutine function."""
    mark = getattr(inspect, "markcoroutinefunction", None)  # since 3.12
    if mark is not None:
        mark(function)
    else:
        function._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]  # noqa: SLF001
