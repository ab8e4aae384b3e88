"""asyncio's locks, semaphores, conditions and barriers: each object is a separate resource.

A condition and its lock are one resource, so that users of either wait for each other in the diagram. The resource is
the lock that the condition was given, else the condition. A condition from before recording is assumed to have its own
lock. Who waits in ``condition.wait()`` holds nothing.

A semaphore's capacity is its initial value or, if it was made before recording, its value at its first entry.

``acquire()`` and ``release()`` without a statement are recorded too, except those of a semaphore with the initial value
0: that is a signal, and the task that acquires it does not release it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from types import ModuleType

from tenure._core import object_access
from tenure._identify import resources, tracer
from tenure._identify.kinds import kind_name
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters._kit import acquire_release, after_init, condition_waits


class _Locks:
    """What was seen when a condition or a semaphore was made."""

    def __init__(self) -> None:
        self.given_a_lock: object_access.ByIdentity[bool] = object_access.ByIdentity()  # conditions
        self.conditions: object_access.ByIdentity[weakref.ref[object]] = object_access.ByIdentity()  # by their own lock
        self.values: object_access.ByIdentity[int] = object_access.ByIdentity()  # of semaphores
        self.signals: dict[int, weakref.ref[object]] = {}  # by address: semaphores made with nothing to take


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
        class_patches.patch_manager(kind, any_task=kind in {asyncio.Lock, asyncio.Condition})  # one holder at a time
    acquire_release.patch_calls(asyncio.Lock, "acquire", "release", alone=True)
    acquire_release.patch_calls(asyncio.Semaphore, "acquire", "release", counted=True, predicate=_can_be_held())
    notify = "_notify" if hasattr(asyncio.Condition, "_notify") else "notify"  # CPython 3.13 calls the first itself
    condition_waits.patch(asyncio.Condition, (notify,), condition_waits.waiters, _is_notified)
    after_init.note(asyncio.Condition, _note_the_lock)
    after_init.note(asyncio.Semaphore, _note_the_value)


def _lock(manager: object, _: str) -> Description:
    conditions = tracer.current.of(_Locks).conditions
    reference = conditions.get(manager) if conditions else None
    condition = reference() if reference is not None else None
    if condition is not None:
        return Description(kind_name(type(condition)), condition, capacity=1, stereotype="control", lasting=True)
    return Description(kind_name(type(manager)), manager, capacity=1, stereotype="control")


def _semaphore(manager: object, _: str) -> Description:
    value = tracer.current.of(_Locks).values.get(manager)
    capacity = value or _count(manager, "_value")
    return Description(kind_name(type(manager)), manager, capacity=capacity, stereotype="control")


def _can_be_held() -> Callable[[object], bool]:
    """Whether who acquires a semaphore gives it back; made for one recording, since each acquire asks it."""
    signals = tracer.current.of(_Locks).signals
    return lambda semaphore: id(semaphore) not in signals


def _bounded_semaphore(manager: object, _: str) -> Description:
    capacity = _count(manager, "_bound_value")
    return Description(kind_name(type(manager)), manager, capacity=capacity, stereotype="control")


def _condition(manager: object, _: str) -> Description:
    lock = object_access.attribute(manager, "_lock")
    if lock is not None and manager in tracer.current.of(_Locks).given_a_lock:
        return Description(kind_name(type(lock)), lock, capacity=1, stereotype="control", lasting=True)
    return Description(kind_name(type(manager)), manager, capacity=1, stereotype="control")


def _is_notified(_: object, future: object) -> bool:
    return future.done() and not future.cancelled()  # type: ignore[attr-defined]


def _barrier(manager: object, _: str) -> Description:
    return Description(kind_name(type(manager)), manager, stereotype="control")


def _count(manager: object, attribute: str) -> int | None:
    value = object_access.attribute(manager, attribute)
    return value if type(value) is int and value > 0 else None


def _note_the_lock(condition: object, lock: object = None, **_: object) -> None:
    if lock is not None:
        tracer.current.of(_Locks).given_a_lock.put(condition, True)
    else:
        tracer.current.of(_Locks).conditions.put(object_access.attribute(condition, "_lock"), weakref.ref(condition))


def _note_the_value(semaphore: object, value: object = 1, **_: object) -> None:
    if type(value) is not int:
        return
    locks, address = tracer.current.of(_Locks), id(semaphore)
    if value > 0:
        locks.values.put(semaphore, value)
    if value == 0:
        locks.signals[address] = weakref.ref(semaphore, lambda _: locks.signals.pop(address, None))
    else:
        locks.signals.pop(address, None)
