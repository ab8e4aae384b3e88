"""``tenure.track`` and ``tenure.tracked``: saying oneself what is to be recorded; and the wrapper of last resort."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast, overload

from tenure import _probe_api as probe
from tenure._core import faults, object_access
from tenure._identify import resources, tracer
from tenure._identify.sites import Site
from tenure._patching import class_patches
from tenure._patching.bodies import awaited, immediate

_M = TypeVar("_M")
_C = TypeVar("_C", bound=type)

# To be patched whenever recording begins: for the sake of all their objects, or of those that were named.
_classes: object_access.ByIdentity[bool] = object_access.ByIdentity()
_singles: object_access.ByIdentity[bool] = object_access.ByIdentity()


def track(manager: _M, name: str | None = None, capacity: int | None = None) -> _M:
    """Record every use of one context manager, wherever it is entered: ``async with tenure.track(pool, "orders"):``.

    The manager itself comes back, so everything about it stays as it was. ``name`` is what people read; ``capacity`` is
    how many may hold it at once (None: unlimited or unknown). Before ``tenure.install()`` only the name is remembered.

    An object of a type that allows neither weak references nor new attributes is recorded where the program's own
    rewritten code enters it, under the name that its expression gives it.
    """
    try:
        if resources.name(manager, name, capacity):
            _patch_later(type(manager), single=True)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("tracking a manager", error)
    return manager


@overload
def tracked(kind: _C, /) -> _C: ...
@overload
def tracked(*, name: str | None = None, capacity: int | None = None) -> Callable[[_C], _C]: ...


def tracked(
    kind: _C | None = None, /, *, name: str | None = None, capacity: int | None = None
) -> _C | Callable[[_C], _C]:
    """Class decorator, with or without arguments: record every use of this class's objects, wherever they are entered.

    ``name`` and ``capacity`` are those of each object, as for ``track``, and of the objects of its subclasses; what
    ``track`` says of one object counts more. Objects of one name are one resource if they do not live at the same time.

    Raises:
        TypeError: the class is no context manager.
    """
    if kind is not None:
        return _track_class(kind, name, capacity)

    def decorate(decorated: _C) -> _C:
        return _track_class(decorated, name, capacity)

    return decorate


def _track_class(kind: _C, name: str | None, capacity: int | None) -> _C:
    try:
        is_manager = object_access.has(kind, "__aenter__") or object_access.has(kind, "__enter__")
        if is_manager:
            if name is not None or capacity is not None:
                resources.name_class(kind, name, capacity)
            _patch_later(kind, single=False)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("tracking a class", error)
        return kind
    if not is_manager:
        name = object_access.qualified_name(kind)
        raise TypeError(f"{name} has neither __aenter__ nor __enter__ (decorate a context manager)")
    return kind


def is_tracked(manager: object) -> bool:
    """Whether the program said itself that this object, or its class, is to be recorded."""
    return resources.is_named(manager) or any(base in _classes for base in object_access.mro(type(manager)))


def begin_patching() -> None:
    """Patch the classes that were tracked so far, and later ones at once."""
    tracer.current.is_patching = True
    for kind in [*_classes.things(), *_singles.things()]:
        _patch(cast("type", kind))


def end_patching() -> None:
    """Only remember classes from now on; ``class_patches.undo`` restores the others."""
    tracer.current.is_patching = False


def _patch_later(kind: type, *, single: bool) -> None:
    kinds = _singles if single and kind not in _classes else _classes
    kinds.put(kind, True)
    if kind not in kinds:
        return
    if not single:
        _singles.pop(kind)
        resources.take_all(kind)
    if tracer.current.is_patching:
        _patch(kind)


def _patch(kind: type) -> None:
    """Patch what no adapter patched. Classes written in C take no attributes: rewritten code records their objects."""
    for enter, leave, sync in (("__aenter__", "__aexit__", False), ("__enter__", "__exit__", True)):
        entering = object_access.of_class(kind, enter)
        if entering is None or not object_access.has(kind, leave) or class_patches.is_ours(entering):
            continue
        try:
            class_patches.patch_manager(kind, sync=sync)
        except (TypeError, AttributeError):
            continue
        if kind in _singles:
            resources.take_named(kind)


_TRACED = "recording a wrapped manager"  # said where it fails


def _entered(record: probe.Record, _: object) -> None:
    probe.acquired(record)


class Traced:
    """A manager and its site, entered in the manager's stead where stamps cannot stand in place."""

    __slots__ = ("manager", "record", "site")

    def __init__(self, site: str, manager: object) -> None:
        self.site = site
        self.manager = manager
        self.record: probe.Record | None = None

    def begin(self, _: tuple[object, ...]) -> probe.Record:
        record = self.record = probe.enter_wrapped(self.site, self.manager)
        return record

    def leave(self, exc_info: tuple[object, ...]) -> probe.Record | None:
        if self.record is not None:
            probe.leaving(self.record, exc_info[1])
        return self.record

    __aenter__ = awaited.special("__aenter__", _TRACED, before=begin, after=_entered, failed=probe.failed)
    __aexit__ = awaited.special("__aexit__", _TRACED, before=leave, after=probe.released, failed=probe.failed)
    __enter__ = immediate.special("__enter__", _TRACED, before=begin, after=_entered, failed=probe.failed)
    __exit__ = immediate.special("__exit__", _TRACED, before=leave, after=probe.released, failed=probe.failed)


def traced(site: str, manager: object) -> object:
    """What rewritten code enters instead of a manager; the manager itself where it is none, so that Python says so."""
    try:
        return _traced(site, manager)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("wrapping a manager", error)
        return manager


def _traced(site: str, manager: object) -> object:
    sync = Site.of(site).sync
    if all(
        object_access.has(type(manager), name)
        for name in (("__enter__", "__exit__") if sync else ("__aenter__", "__aexit__"))
    ):
        return Traced(site, manager)
    record = probe.enter_at(site, manager)
    try:
        if sync:
            _enter_now(manager)
        else:
            _enter(manager).send(None)
    except BaseException as error:  # noqa: BLE001  # the program gets its own from the statement
        probe.failed(record, error)
    return manager


def _enter_now(manager: object) -> None:
    with manager:  # type: ignore[attr-defined]
        pass


async def _enter(manager: object) -> None:
    async with manager:  # type: ignore[attr-defined]
        pass
