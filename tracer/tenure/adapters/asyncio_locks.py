"""asyncio's locks, semaphores, conditions and barriers: each object is a resource of its own.

A condition and its lock are one resource, so that the users of either are seen to wait for each other: the lock that
the condition was given, else the condition (conditions made before tracing began are taken to have a lock of their
own). A semaphore's capacity is what it was made with, or, where that was not seen, what was free when it was first
entered.

``acquire()`` and ``release()`` without a statement count as holding, but not those of a semaphore that was made with
nothing to take: that one is a signal, and who acquires it does not give it back.
"""

from __future__ import annotations

import contextlib
import weakref
from types import ModuleType

from tenure import patching, resources
from tenure.adapters import calls, made
from tenure.failures import type_name
from tenure.resources import Description

_given_a_lock: weakref.WeakSet[object] = weakref.WeakSet()
_conditions: weakref.WeakKeyDictionary[object, weakref.ref[object]] = weakref.WeakKeyDictionary()  # by their own lock
_made_with: weakref.WeakKeyDictionary[object, object] = weakref.WeakKeyDictionary()  # by semaphore
_signals: dict[int, weakref.ref[object]] = {}  # by address: semaphores that were made with nothing to take


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
    calls.patch_calls(asyncio.Lock, "acquire", "release", alone=True)
    calls.patch_calls(asyncio.Semaphore, "acquire", "release", wants=_can_be_held)
    made.note(asyncio.Condition, _note_the_lock)
    made.note(asyncio.Semaphore, _note_the_value)


def _lock(manager: object, _: str) -> Description:
    reference = _conditions.get(manager) if _conditions else None
    condition = reference() if reference is not None else None
    if condition is not None:
        return Description(type_name(type(condition)), condition, capacity=1, stereotype="control", lasting=True)
    return Description(type_name(type(manager)), manager, capacity=1, stereotype="control")


def _semaphore(manager: object, _: str) -> Description:
    value = _made_with.get(manager)
    capacity = value if isinstance(value, int) and value > 0 else _count(manager, "_value")
    return Description(type_name(type(manager)), manager, capacity=capacity, stereotype="control")


def _can_be_held(semaphore: object) -> bool:
    return id(semaphore) not in _signals


def _bounded_semaphore(manager: object, _: str) -> Description:
    capacity = _count(manager, "_bound_value")
    return Description(type_name(type(manager)), manager, capacity=capacity, stereotype="control")


def _condition(manager: object, _: str) -> Description:
    lock = getattr(manager, "_lock", None)
    if lock is not None and manager in _given_a_lock:
        return Description(type_name(type(lock)), lock, capacity=1, stereotype="control", lasting=True)
    return Description(type_name(type(manager)), manager, capacity=1, stereotype="control")


def _barrier(manager: object, _: str) -> Description:
    return Description(type_name(type(manager)), manager, stereotype="control")


def _count(manager: object, attribute: str) -> int | None:
    value = getattr(manager, attribute, None)
    return value if isinstance(value, int) and value > 0 else None


def _note_the_lock(condition: object, lock: object = None, **_: object) -> None:
    with contextlib.suppress(TypeError):  # a subclass made it unhashable
        if lock is not None:
            _given_a_lock.add(condition)
        else:
            _conditions[getattr(condition, "_lock", None)] = weakref.ref(condition)


def _note_the_value(semaphore: object, value: object = 1, **_: object) -> None:
    with contextlib.suppress(TypeError):  # a subclass made it unhashable
        _made_with[semaphore] = value
    if value == 0:
        address = id(semaphore)
        _signals[address] = weakref.ref(semaphore, lambda _: _signals.pop(address, None))
    else:
        _signals.pop(id(semaphore), None)
