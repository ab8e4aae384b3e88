"""aiologic: its locks, semaphores and limiters by statement, with their capacity.

Its conditions are not recorded: who waits in one gives the lock up, and nothing here shows when it has the lock again.
A reentrant lock or limiter has no capacity here, since one task may hold it several times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType

from tenure._core.object_access import attribute
from tenure._identify import libraries, resources
from tenure._identify.resources import NOTHING, Describe, Description
from tenure._patching import class_patches

_outside = libraries.entered_outside("aiologic")
_KINDS = {
    "Lock": lambda _: 1,
    "RLock": lambda _: None,
    "Semaphore": lambda semaphore: attribute(semaphore, "_initial_value"),
    "CapacityLimiter": lambda limiter: attribute(attribute(limiter, "_semaphore"), "_initial_value"),
    "RCapacityLimiter": lambda _: None,
}


def install(aiologic: ModuleType) -> None:
    """Describe the classes, and patch those that are entered."""
    for name, capacity_of in _KINDS.items():
        base = getattr(aiologic, name)
        resources.register(base, _describing(name, capacity_of))
        for kind in _family(base):
            if "__aenter__" in vars(kind):
                class_patches.patch_manager(kind, predicate=_outside)
    resources.register(aiologic.Condition, lambda _, __: NOTHING)


def _family(kind: type) -> Iterator[type]:
    """The class and the library's own subclasses, of which it makes its objects."""
    yield kind
    subclasses: list[type] = type.__subclasses__(kind)
    for subclass in subclasses:
        if libraries.of_type(subclass) == "aiologic":
            yield from _family(subclass)


def _describing(name: str, capacity_of: Callable[[object], object]) -> Describe:
    def describe(manager: object, _: str) -> Description:
        capacity = capacity_of(manager)
        limit = capacity if isinstance(capacity, int) and capacity > 0 else None
        return Description(f"aiologic.{name}", manager, None, limit, "control")

    return describe
