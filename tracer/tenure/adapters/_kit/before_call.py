"""A coroutine function of a library with a look at its arguments before it, of which the program sees nothing."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable

from tenure._core import faults
from tenure._patching import class_patches
from tenure._patching.class_patches import Method


def looking(original: Method, look: Callable[..., None], what: str) -> Method:
    """What calls ``look`` and then ``original``, with the same arguments; what is awaited is the original's coroutine.

    ``what``: said where looking fails.
    """

    @class_patches.mark_as_wrapper(original)
    def before(*arguments: object, **named: object) -> object:
        try:
            look(*arguments, **named)
        except Exception as error:  # noqa: BLE001  # never into the program
            faults.fault(what, error)
        try:
            return original(*arguments, **named)
        except BaseException as error:
            class_patches.strip_frame(error, before.__code__)
            raise

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
