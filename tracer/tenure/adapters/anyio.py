"""anyio's locks, semaphores, limiters, conditions and guards: each object is a separate resource.

An object that is made before a loop runs is a stand-in for the backend's object. Both are patched, the backend's by
``anyio_asyncio``. What anyio enters internally is not recorded.

A condition and its lock are one resource: the lock that the condition was given, else the condition. Who waits in
``condition.wait()`` holds nothing.
"""

from __future__ import annotations

import math
import sys
from types import CodeType, ModuleType

from tenure._core.object_access import ByIdentity, attribute
from tenure._core.paths import is_own_frame
from tenure._identify import libraries, resources, tracer
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters import anyio_borrowers, asyncio_scopes
from tenure.adapters._kit import acquire_release, after_init, condition_waits

_TIMEOUTS = "fail_after", "fail_at", "move_on_after", "move_on_at"
_outside = libraries.entered_outside("anyio")
_IN_THREAD = "run_sync_in_worker_thread"


class _Conditions:
    """The conditions that were given a lock."""

    def __init__(self) -> None:
        self.given_a_lock: ByIdentity[bool] = ByIdentity()


def install(anyio: ModuleType) -> None:
    """Patch the locks and their stand-ins."""
    libraries.know("anyio")
    for kind, describe in (
        (anyio.Lock, _lock),
        (anyio.Semaphore, _semaphore),
        (anyio.CapacityLimiter, _limiter),
        (anyio.Condition, _condition),
    ):
        resources.register(kind, describe)
        for lock_type in (kind, *kind.__subclasses__()):
            patch_lock(lock_type)
    if hasattr(anyio, "ResourceGuard"):  # since 4.1
        resources.register(anyio.ResourceGuard, _guard)
        class_patches.patch_manager(anyio.ResourceGuard, sync=True, predicate=_outside)
    for name in _TIMEOUTS:
        function = getattr(anyio, name, None)
        code = attribute(attribute(function, "__wrapped__", function), "__code__")
        if type(code) is CodeType:
            asyncio_scopes.name_timeouts(code.co_filename, name, name)
    condition_waits.patch(anyio.Condition, ("notify", "notify_all"), condition_waits.waiters, _is_notified)
    after_init.note(anyio.Condition, _note_the_lock)


def patch_lock(kind: type) -> None:
    """Patch the methods that this class defines itself."""
    if "__aenter__" in vars(kind):
        class_patches.patch_manager(kind, predicate=_lends if hasattr(kind, "total_tokens") else _outside)
    for acquire in ("acquire", "acquire_nowait"):
        if acquire in vars(kind):
            is_counted = hasattr(kind, "max_value")  # a semaphore
            acquire_release.patch_calls(kind, acquire, "release", counted=is_counted, predicate=_outside)
    anyio_borrowers.patch(kind)


def _lends(limiter: object) -> bool:
    """Whether the program enters this limiter, or gave it to ``to_thread.run_sync`` for its threads."""
    if _outside(limiter):
        return True
    callers = libraries.stack(sys._getframe(1))  # noqa: SLF001  # no other way to the caller
    frame = next((caller for caller in callers if not is_own_frame(caller)), None)
    return frame is not None and frame.f_code.co_name == _IN_THREAD and frame.f_locals.get("limiter") is not None


def _lock(manager: object, _: str) -> Description:
    return Description("anyio.Lock", manager, capacity=1, stereotype="control")


def _guard(manager: object, _: str) -> Description:
    return Description("anyio.ResourceGuard", manager, capacity=1, stereotype="control")


def _semaphore(manager: object, _: str) -> Description:
    values = (attribute(manager, name) for name in ("_max_value", "_value", "_initial_value"))
    capacity = next((value for value in values if type(value) is int and value), None)
    return Description("anyio.Semaphore", manager, capacity=capacity, stereotype="control")


def _limiter(manager: object, _: str) -> Description:
    return Description("anyio.CapacityLimiter", manager, None, _tokens(manager), "control", capacity_of=_tokens)


def _tokens(limiter: object) -> int | None:
    tokens = _total_tokens(limiter)
    is_limit = (type(tokens) is int or type(tokens) is float) and 0 <= tokens < math.inf
    return int(tokens) if is_limit else None  # type: ignore[call-overload]


def _total_tokens(manager: object) -> object:
    behind = attribute(manager, "_internal_limiter") or manager  # of one that was made before a loop ran
    return attribute(attribute(behind, "_CapacityLimiter__original", behind), "_total_tokens")  # trio's, on trio


def _note_the_lock(condition: object, lock: object = None) -> None:
    if lock is not None:
        tracer.current.of(_Conditions).given_a_lock.put(condition, True)


def _is_notified(_: object, event: object) -> bool:
    return event.is_set()  # type: ignore[attr-defined, no-any-return]


def _condition(manager: object, _: str) -> Description:
    lock = attribute(manager, "_lock")
    if lock is not None and manager in tracer.current.of(_Conditions).given_a_lock:
        return Description("anyio.Lock", lock, capacity=1, stereotype="control", lasting=True)
    return Description("anyio.Condition", manager, capacity=1, stereotype="control")
