"""asyncio's locks, semaphores, conditions and barriers: each object is a resource of its own.

A condition that was given a lock is one resource with it, so that the users of either are seen to wait for each other
(conditions made before tracing began are taken to have their own). A semaphore's capacity is what was free when it was
first entered: nothing in it remembers what it began with.
"""

from __future__ import annotations

import weakref
from types import ModuleType

from tenure import patching, resources
from tenure.failures import type_name
from tenure.resources import Description

_given_a_lock: weakref.WeakSet[object] = weakref.WeakSet()


def install(asyncio: ModuleType) -> None:
    """Patch the classes of asyncio."""
    for kind, describe in (
        (asyncio.Lock, _lock),
        (asyncio.Semaphore, _semaphore),
        (asyncio.BoundedSemaphore, _bounded_semaphore),
        (asyncio.Condition, _condition),
        (asyncio.Barrier, _barrier),
    ):
        resources.register(kind, describe)
        patching.patch_manager(kind)
    patching.replace(asyncio.Condition, "__init__", _noting_the_lock(asyncio.Condition.__init__))


def _lock(manager: object, _: str) -> Description:
    return Description(type_name(type(manager)), manager, capacity=1, stereotype="control")


def _semaphore(manager: object, _: str) -> Description:
    return Description(type_name(type(manager)), manager, capacity=_count(manager, "_value"), stereotype="control")


def _bounded_semaphore(manager: object, _: str) -> Description:
    capacity = _count(manager, "_bound_value")
    return Description(type_name(type(manager)), manager, capacity=capacity, stereotype="control")


def _condition(manager: object, _: str) -> Description:
    lock = getattr(manager, "_lock", None)
    if lock is not None and manager in _given_a_lock:
        return Description(type_name(type(lock)), lock, capacity=1, stereotype="control")
    return Description(type_name(type(manager)), manager, capacity=1, stereotype="control")


def _barrier(manager: object, _: str) -> Description:
    return Description(type_name(type(manager)), manager, stereotype="control")


def _count(manager: object, attribute: str) -> int | None:
    value = getattr(manager, attribute, None)
    return value if isinstance(value, int) and value > 0 else None


def _noting_the_lock(original: patching.Method) -> patching.Method:
    @patching.like(original)
    def noting(condition: object, *arguments: object, **named: object) -> None:
        try:
            original(condition, *arguments, **named)
        except BaseException as error:
            patching.without_frame(error, noting.__code__)
            raise
        lock = arguments[0] if arguments else named.get("lock")
        if lock is not None:
            _given_a_lock.add(condition)

    return noting
