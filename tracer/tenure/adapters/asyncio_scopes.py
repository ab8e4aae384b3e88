"""asyncio.timeout, timeout_at and TaskGroup: made for one use, so each place in the program is one resource.

Libraries enter timeouts without an end wherever a caller of theirs might have wanted one: nothing is held then, and
nothing is recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from types import ModuleType

from tenure import patching, resources
from tenure.adapters import made
from tenure.failures import type_name
from tenure.resources import Description

_lengths: weakref.WeakKeyDictionary[object, float] = weakref.WeakKeyDictionary()  # seconds


def install(module: ModuleType) -> None:
    """Patch the classes of asyncio."""
    resources.register(module.Timeout, _timeout)
    patching.patch_manager(module.Timeout, wants=_has_an_end)
    made.note(module.Timeout, _measure)
    resources.register(module.TaskGroup, _task_group)
    patching.patch_manager(module.TaskGroup)


def _timeout(manager: object, _: str) -> Description:
    return Description("asyncio.timeout", None, name=_length(manager))


def _has_an_end(manager: object) -> bool:
    return getattr(manager, "_when", None) is not None


def _task_group(manager: object, _: str) -> Description:
    return Description(type_name(type(manager)), None)


def _length(manager: object) -> str:
    """How long the timeout was to be when it was made, "0.5 s"; "" for one without an end."""
    seconds = _lengths.get(manager)
    if seconds is None:
        seconds = _seconds_left(manager)
    return "" if seconds is None else length(seconds)


def length(seconds: float) -> str:
    """Say how long a timeout is: two digits are enough to know it by, and keep the number of resources small."""
    return "0 s" if seconds < 0.001 else f"{float(f'{seconds:.2g}'):.6g} s"


def _seconds_left(manager: object) -> float | None:
    when = getattr(manager, "_when", None)
    return when - asyncio.get_running_loop().time() if isinstance(when, int | float) else None


def _measure(timeout: object, *_: object, **__: object) -> None:
    with contextlib.suppress(RuntimeError):  # no loop is running: it is measured when it is entered
        seconds = _seconds_left(timeout)
        if seconds is not None:
            _lengths[timeout] = seconds
