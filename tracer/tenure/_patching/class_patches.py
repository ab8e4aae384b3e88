"""Class patches: what an adapter or ``@tracked`` puts around the methods of a class, and how it is taken away again.

``replace`` puts one attribute in place of another; ``patch_manager`` makes a class report every entry through its
``__aenter__`` and ``__aexit__`` (or, with ``sync``, ``__enter__`` and ``__exit__``) to the probe. Both are idempotent,
and ``undo`` restores everything, newest first. A patch is not to be noticed (``tenure._core.wrapping``).
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from tenure._core import object_access, probe_backend
from tenure._core.wrapping import Method, mark_as_wrapper, strip_frame
from tenure._identify import resources, tracer
from tenure._patching import pure_wrappers

__all__ = [
    "Method",
    "Predicate",
    "at_undo",
    "is_ours",
    "mark_as_wrapper",
    "patch_manager",
    "replace",
    "strip_frame",
    "undo",
]

if probe_backend.SERVES:
    from tenure import _probe

    _METHOD = type(_probe.patch(len, predicate=None, leaves=False, any_task=False, sync=False))

Predicate = Callable[[object], bool]  # never raises

_MISSING = object()
_replaced: list[tuple[object, str, object]] = []  # owner, attribute, what stood in the owner's own namespace
_at_undo: list[Callable[[], None]] = []
_managers: dict[int, type] = {}  # by address


def _everything(_: object) -> bool:
    return True


def replace(owner: object, attribute: str, value: object, *, again: bool = False) -> None:
    """Put a wrapper (``mark_as_wrapper``) in an attribute's place until ``undo``; one that is there already stays.

    ``again``: or is what this one is around.
    """
    before = _own(owner, attribute)
    if is_ours(before) and not again:
        return
    _replaced.append((owner, attribute, before))
    _set(owner, attribute, value)


def is_ours(value: object) -> bool:
    """Whether this is one of Tenure's wrappers."""
    return (probe_backend.SERVES and type(value) is _METHOD) or (
        type(value) is FunctionType and "__tenure__" in vars(value)
    )


def _own(owner: object, attribute: str) -> object:
    own = object_access.namespace(owner) if issubclass(type(owner), type) else vars(owner)  # type: ignore[arg-type]
    return own.get(attribute, _MISSING)


def _set(owner: object, attribute: str, value: object) -> None:
    """No metaclass of the program's has a part in it."""
    change: Any = type if issubclass(type(owner), type) else type(owner)
    if value is _MISSING:
        change.__delattr__(owner, attribute)
    else:
        change.__setattr__(owner, attribute, value)


def _method(kind: type, name: str) -> object:
    """What the class answers for this name; only a descriptor that is no function is asked."""
    found = object_access.of_class(kind, name)
    return found if type(found) is FunctionType or is_ours(found) else type.__getattribute__(kind, name)


def at_undo(action: Callable[[], None]) -> None:
    """Do this too when everything is restored."""
    _at_undo.append(action)


def undo() -> None:
    """Restore every attribute that was replaced; lifecycles that are open stay as they are."""
    while _replaced:
        _set(*_replaced.pop())
    while _at_undo:
        _at_undo.pop()()
    for kind in _managers.values():
        resources.unregister(kind)
    _managers.clear()
    tracer.current.open_managers.by_manager.clear()
    if probe_backend.SERVES:
        _probe.forget_patched()


def patch_manager(
    kind: type, *, any_task: bool = False, sync: bool = False, predicate: Predicate = _everything
) -> None:
    """Let a class report its lifecycles wherever it is entered.

    ``any_task``: its objects are used once, and another task than the one that entered may leave them (as with a
    generator).
    ``predicate(manager)`` false: this object is passed over, except where the program's own rewritten code enters it.

    Raises:
        TypeError: the class is no context manager of that sort, or allows no new attributes.
    """
    names = ("__enter__", "__exit__") if sync else ("__aenter__", "__aexit__")
    enter, leave = (_method(kind, name) if object_access.has(kind, name) else None for name in names)
    if not callable(enter) or not callable(leave):
        raise TypeError(f"{object_access.qualified_name(kind)} has no {names[0]} and {names[1]}")
    if any(is_ours(_own(kind, name)) for name in names):
        return
    wanted = None if predicate is _everything else predicate
    if probe_backend.SERVES:
        entering = _probe.patch(enter, predicate=wanted, leaves=False, any_task=any_task, sync=sync)
        leaving = _probe.patch(leave, predicate=None, leaves=True, any_task=any_task, sync=sync)
    else:
        entering = pure_wrappers.entering(enter, wanted, any_task=any_task, sync=sync)
        leaving = pure_wrappers.leaving(leave, any_task=any_task, sync=sync)
    replace(kind, names[0], entering)
    replace(kind, names[1], leaving)
    _managers[id(kind)] = kind
    resources.patched(kind)
