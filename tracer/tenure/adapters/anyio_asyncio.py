"""anyio on asyncio: task groups and cancel scopes are made for one use, and the locks are the backend's.

A scope is told of where the program enters it, through ``move_on_after`` and ``fail_after`` too, and is named by its
length. One without an end holds nothing; nor is told of those that anyio uses within itself, in each task group.
"""

from __future__ import annotations

import asyncio
import math
from types import ModuleType

from tenure._core.object_access import ByIdentity, attribute
from tenure._identify import libraries, resources, tracer
from tenure._identify.exceptions import Canceller
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters import anyio
from tenure.adapters._kit import after_init, databases
from tenure.adapters.asyncio_scopes import Place, length, made_at, place

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
    class_patches.patch_manager(backend.TaskGroup, predicate=libraries.entered_outside("anyio"))
    resources.register(backend.CancelScope, _scope)
    after_init.note(backend.CancelScope, _measure)
    class_patches.patch_manager(backend.CancelScope, sync=True, predicate=_has_an_end)


def _has_an_end(scope: object) -> bool:
    return tracer.current.of(_Scopes).lengths.get(scope) is not None and _outside(scope)


def _scope(scope: object, _: str) -> Description:
    seconds = tracer.current.of(_Scopes).lengths.get(scope)
    return Description("anyio.CancelScope", None, name="" if seconds is None else length(seconds))


def _measure(scope: object, *_: object, **__: object) -> None:
    deadline = attribute(scope, "_deadline", math.inf)
    if (type(deadline) is float or type(deadline) is int) and abs(deadline) < math.inf:
        scopes = tracer.current.of(_Scopes)
        scopes.lengths.put(scope, deadline - asyncio.get_running_loop().time())
        scopes.made_at.put(scope, place())


def canceller(scope: object) -> Canceller:
    """A scope whose end has come: where the program made it, and how long it was."""
    scopes = tracer.current.of(_Scopes)
    seconds = scopes.lengths.get(scope)
    return made_at(scopes.made_at.get(scope), "" if seconds is None else length(seconds), "anyio.CancelScope")
