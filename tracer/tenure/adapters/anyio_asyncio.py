"""anyio on asyncio: task groups and cancel scopes, which are made for one use, and the backend's locks.

A scope is recorded at the program's line, also through ``move_on_after`` and ``fail_after``, and named by its length. A
scope without a deadline is not recorded, nor are those that anyio uses internally in each task group.
"""

from __future__ import annotations

import asyncio
import math
import sys
from types import ModuleType

from tenure._core.object_access import ByIdentity, attribute, exact
from tenure._identify import libraries, resources, tracer
from tenure._identify.exceptions import Canceller
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters import anyio
from tenure.adapters._kit import after_init, databases
from tenure.adapters.asyncio_scopes import Place, deadline_canceller, length, place

_TIMERS = {"move_on_after", "fail_after"}
_outside = libraries.entered_outside("anyio", "fail_at")


class _Scopes:
    """The scopes with an end, and where the program made them."""

    def __init__(self) -> None:
        self.lengths: ByIdentity[float] = ByIdentity()  # seconds
        self.made_at: ByIdentity[Place] = ByIdentity()


def install(backend: ModuleType) -> None:
    """Patch the classes of anyio's asyncio backend."""
    libraries.know("anyio")
    for kind in (backend.Lock, backend.Semaphore, backend.CapacityLimiter):
        anyio.patch_lock(kind)
    resources.register(backend.TaskGroup, databases.one_use("anyio.TaskGroup", "participant"))
    class_patches.patch_manager(backend.TaskGroup, any_task=True, predicate=libraries.entered_outside("anyio"))
    resources.register(backend.CancelScope, _scope)
    after_init.note(backend.CancelScope, _measure)
    class_patches.patch_manager(backend.CancelScope, any_task=True, sync=True, predicate=_has_an_end)


def _has_an_end(scope: object) -> bool:
    return tracer.current.of(_Scopes).lengths.get(scope) is not None and _outside(scope)


def _scope(scope: object, _: str) -> Description:
    seconds = tracer.current.of(_Scopes).lengths.get(scope)
    return Description("anyio.CancelScope", None, name="" if seconds is None else length(seconds))


def _measure(scope: object, *_: object, **__: object) -> None:
    deadline = attribute(scope, "_deadline", math.inf)
    if (type(deadline) is float or type(deadline) is int) and abs(deadline) < math.inf:
        delay = _delay_argument()
        scopes = tracer.current.of(_Scopes)
        scopes.lengths.put(scope, deadline - asyncio.get_running_loop().time() if delay is None else delay)
        scopes.made_at.put(scope, place())


def _delay_argument() -> float | None:
    """Find the argument of ``move_on_after()`` or ``fail_after()``: on a busy machine the time left is shorter."""
    for frame in libraries.stack(sys._getframe(after_init.MAKER + 1)):  # noqa: SLF001  # no other way to the caller
        if exact(frame.f_globals.get("__name__")).partition(".")[0] not in {"anyio", "contextlib"}:
            break
        if frame.f_code.co_name in _TIMERS:
            delay = frame.f_locals.get("delay")
            return float(delay) if type(delay) is int or type(delay) is float else None
    return None


def canceller(scope: object) -> Canceller:
    """Describe a scope whose deadline has passed: where the program made it, and its length."""
    scopes = tracer.current.of(_Scopes)
    seconds = scopes.lengths.get(scope)
    return deadline_canceller(
        scopes.made_at.get(scope), "" if seconds is None else length(seconds), "anyio.CancelScope"
    )
