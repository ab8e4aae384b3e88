"""Class patches: what an adapter or ``@tracked`` puts around the methods of a class, and how it is taken away again.

``replace`` puts one attribute in place of another; ``patch_manager`` makes a class report every entry through its
``__aenter__`` and ``__aexit__`` (or, with ``sync``, ``__enter__`` and ``__exit__``) to the probe. Both are idempotent,
and ``undo`` restores everything, newest first.

A patch is not to be noticed: a coroutine function stays one, the metadata are the original's, and an exception that
passes through leaves no frame of ours in its traceback. The original's frame, which is in it, has ours as its caller:
so ours lets go of what it was called with, among which the exception itself may be.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import weakref
from collections.abc import Callable, Coroutine
from types import CodeType
from typing import NamedTuple

from tenure import buffer, native, probe, resources, tasks

if native.SERVES:
    from tenure import _probe

Method = Callable[..., object]
AsyncMethod = Callable[..., Coroutine[object, object, object]]
Wants = Callable[[object], bool]  # never raises

_MISSING = object()
_replaced: list[tuple[object, str, object]] = []  # owner, attribute, what stood in the owner's own namespace
_at_undo: list[Callable[[], None]] = []
_managers: set[type] = set()
_open: dict[tuple[int, int], _Open] = {}  # by address of the manager and id of the task (0: whatever the task)


class _Open(NamedTuple):
    """A lifecycle that a class patch saw entered and not yet left."""

    record: probe.Record
    manager: weakref.ref[object] | None  # None: its type allows no weak reference
    outer: _Open | None  # the same task entered the same object before


def _everything(_: object) -> bool:
    return True


def replace(owner: object, attribute: str, value: object) -> None:
    """Put a wrapper (``like``) in an attribute's place until ``undo``; one that is there already stays."""
    if _is_ours(vars(owner).get(attribute)):
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
    _open.clear()
    if native.SERVES:
        _probe.forget_opened()


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
    if native.SERVES:
        wanted = None if wants is _everything else wants
        replace(kind, names[0], _probe.patch(enter, wanted, False, moves, sync))
        replace(kind, names[1], _probe.patch(leave, None, True, moves, sync))
    elif sync:
        replace(kind, names[0], like(enter)(_entering_now(enter, wants, moves=moves)))
        replace(kind, names[1], like(leave)(_leaving_now(leave, moves=moves)))
    else:
        replace(kind, names[0], like(enter)(shaped(enter, _entering(enter, wants, moves=moves))))
        replace(kind, names[1], like(leave)(shaped(leave, _leaving(leave, moves=moves))))
    _managers.add(kind)
    resources.patched(kind)


def without_frame(error: BaseException, code: CodeType) -> None:
    """Take the frame of this code off an exception that passes through it; a bare ``raise`` must follow."""
    traceback = error.__traceback__
    if traceback is not None and traceback.tb_frame.f_code is code:
        error.__traceback__ = traceback.tb_next


def like(original: Method) -> Callable[[Method], Method]:
    """Mark a wrapper as ours and give it the original's metadata."""

    def marked(wrapper: Method) -> Method:
        functools.update_wrapper(wrapper, original)
        wrapper.__tenure__ = True  # type: ignore[attr-defined]
        return wrapper

    return marked


def _entering(original: Method, wants: Wants, *, moves: bool) -> AsyncMethod:
    async def entering(manager: object, *, _original: Method = original) -> object:
        record = probe.enter(manager) if wants(manager) else None
        try:
            value = await _original(manager)  # type: ignore[misc]
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            without_frame(error, entering.__code__)
            del manager
            raise
        if record is not None:
            probe.acquired(record)
            _remember(manager, record, moves=moves)
        return value

    return entering


def _leaving(original: Method, *, moves: bool) -> AsyncMethod:
    async def leaving(manager: object, *details: object, _original: Method = original, **named: object) -> object:
        record = _recall(manager, moves=moves)
        if record is not None:
            probe.leaving(record, raised_in_body(details, named))
        try:
            value = await _original(manager, *details, **named)  # type: ignore[misc]
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            without_frame(error, leaving.__code__)
            del manager, details, named
            raise
        if record is not None:
            probe.released(record, value)
        return value

    return leaving


def _entering_now(original: Method, wants: Wants, *, moves: bool) -> Method:
    def entering(manager: object) -> object:
        record = probe.enter(manager, sync=True) if wants(manager) else None
        try:
            value = original(manager)
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            without_frame(error, entering.__code__)
            del manager
            raise
        if record is not None:
            probe.acquired(record)
            _remember(manager, record, moves=moves)
        return value

    return entering


def _leaving_now(original: Method, *, moves: bool) -> Method:
    def leaving(manager: object, *details: object, **named: object) -> object:
        record = _recall(manager, moves=moves)
        if record is not None:
            probe.leaving(record, raised_in_body(details, named))
        try:
            value = original(manager, *details, **named)
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            without_frame(error, leaving.__code__)
            del manager, details, named
            raise
        if record is not None:
            probe.released(record, value)
        return value

    return leaving


def shaped(original: Method, wrapper: AsyncMethod) -> Method:
    """The wrapper as a coroutine function if the original is one, else as a function that calls it at once.

    So does Python, which complains in its own words of what is not to be awaited. The wrapper takes what it calls as
    ``_original``; a call that raises is recorded through it as well.
    """
    if inspect.iscoroutinefunction(original):
        return wrapper

    def returning(*arguments: object, **named: object) -> object:
        try:
            given = original(*arguments, **named)
        except BaseException as error:
            traceback = error.__traceback__
            with contextlib.suppress(type(error)):
                wrapper(*arguments, **named, _original=_raising(error)).send(None)
            error.__traceback__ = traceback
            without_frame(error, returning.__code__)
            del arguments, named
            raise
        return wrapper(*arguments, **named, _original=lambda *_, **__: given) if inspect.isawaitable(given) else given

    return returning


def _raising(error: BaseException) -> Method:
    def raises(*_: object, **__: object) -> object:
        raise error

    return raises


def raised_in_body(details: tuple[object, ...], named: dict[str, object]) -> BaseException | None:
    """The exception among the arguments of ``__aexit__``, however they were passed."""
    for value in (*details, *named.values()):
        if isinstance(value, BaseException):
            return value
    return None


def _remember(manager: object, record: probe.Record, *, moves: bool) -> None:
    try:
        key = id(manager), 0 if moves else tasks.current()
        outer = _open.get(key)

        def gone(_: weakref.ref[object]) -> None:
            _open.pop(key, None)

        try:
            reference = weakref.ref(manager, gone)
        except TypeError:
            reference = None
        _open[key] = _Open(record, reference, outer)
    except Exception as error:  # noqa: BLE001  # never into the program
        buffer.fault(f"remembering an open {type(manager).__qualname__}", error)


def _recall(manager: object, *, moves: bool) -> probe.Record | None:
    """The record of the entry that is now left; None where somebody else keeps it, or nobody."""
    if not _open:
        return None
    try:
        key = id(manager), 0 if moves else tasks.current()
        entry = _open.pop(key, None)
        if entry is None or (entry.manager is not None and entry.manager() is not manager):
            return None
        if entry.outer is not None:
            _open[key] = entry.outer
    except Exception as error:  # noqa: BLE001  # never into the program
        buffer.fault(f"recalling an open {type(manager).__qualname__}", error)
        return None
    return entry.record
