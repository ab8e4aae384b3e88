"""Class patches: what an adapter or ``@tracked`` puts around the methods of a class, and how it is taken away again.

``replace`` puts one attribute in place of another; ``patch_manager`` makes a class report every entry through its
``__aenter__`` and ``__aexit__`` (or, with ``sync``, ``__enter__`` and ``__exit__``) to the probe. Both are idempotent,
and ``undo`` restores everything, newest first. A patch is not to be noticed (``tenure.unnoticed``).
"""

from __future__ import annotations

from collections.abc import Callable

from tenure import native, resources, wrappers
from tenure.unnoticed import AsyncMethod, Method, like, shaped, without_frame

__all__ = [
    "AsyncMethod",
    "Method",
    "Wants",
    "at_undo",
    "like",
    "patch_manager",
    "replace",
    "shaped",
    "undo",
    "without_frame",
]

if native.SERVES:
    from tenure import _probe

Wants = Callable[[object], bool]  # never raises

_MISSING = object()
_replaced: list[tuple[object, str, object]] = []  # owner, attribute, what stood in the owner's own namespace
_at_undo: list[Callable[[], None]] = []
_managers: set[type] = set()


def _everything(_: object) -> bool:
    return True


def replace(owner: object, attribute: str, value: object, *, again: bool = False) -> None:
    """Put a wrapper (``like``) in an attribute's place until ``undo``; one that is there already stays.

    ``again``: or is what this one is around.
    """
    if _is_ours(vars(owner).get(attribute)) and not again:
        return
    _replaced.append((owner, attribute, vars(owner).get(attribute, _MISSING)))
    setattr(owner, attribute, value)


def _is_ours(value: object) -> bool:
    return bool(getattr(value, "__tenure__", False))


def at_undo(action: Callable[[], None]) -> None:
    """Do this too when everything is restored."""
    _at_undo.append(action)


def undo() -> None:
    """Restore every attribute that was replaced; lifecycles that are open stay as they are."""
    while _replaced:
        owner, attribute, value = _replaced.pop()
        if value is _MISSING:
            delattr(owner, attribute)
        else:
            setattr(owner, attribute, value)
    while _at_undo:
        _at_undo.pop()()
    for kind in _managers:
        resources.unregister(kind)
    _managers.clear()
    wrappers.forget_all()
    if native.SERVES:
        _probe.forget_patched()


def patch_manager(kind: type, *, moves: bool = False, sync: bool = False, wants: Wants = _everything) -> None:
    """Let a class report its lifecycles wherever it is entered.

    ``moves``: its objects are used once and may be left in another task than the one that entered (a generator's, say).
    ``wants(manager)`` false: this object is passed over, except where the program's own rewritten code enters it.

    Raises:
        TypeError: the class is no context manager of that sort, or allows no new attributes.
    """
    names = ("__enter__", "__exit__") if sync else ("__aenter__", "__aexit__")
    enter, leave = (getattr(kind, name, None) for name in names)
    if not callable(enter) or not callable(leave):
        raise TypeError(f"{kind.__qualname__} has no {names[0]} and {names[1]}")
    if any(_is_ours(vars(kind).get(name)) for name in names):
        return
    wanted = None if wants is _everything else wants
    if native.SERVES:
        entering, leaving = (
            _probe.patch(enter, wanted, False, moves, sync),
            _probe.patch(leave, None, True, moves, sync),
        )
    else:
        entering = like(enter)(wrappers.entering(enter, wanted, moves=moves, sync=sync))
        leaving = like(leave)(wrappers.leaving(leave, moves=moves, sync=sync))
    replace(kind, names[0], entering)
    replace(kind, names[1], leaving)
    _managers.add(kind)
    resources.patched(kind)
