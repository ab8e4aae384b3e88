"""Resources that one call takes and another gives back: from ``await lock.acquire()`` to ``lock.release()`` it is held.

What tells which release ends which acquire is a *token*: the object that both are called on, or, with ``by_result``,
what the acquire returned and the release is given (a pool's connection). Where several uses of a token are open, a
release ends the newest of its own task, else the oldest.

A task made of nothing but the acquire (``create_task(lock.acquire())``, and ``wait_for`` until 3.11) acquires on behalf
of the task that made it.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import CodeType, FrameType

from tenure import buffer, patching, probe, resources, sites, tasks
from tenure.patching import Method, Wants

_Take = Callable[[object, tuple[object, ...], FrameType], probe.Record | None]

_OURS = str(Path(__file__).parent.parent)
_ASYNCIO = str(Path(asyncio.__file__).parent)
_LOCKS, _EVENTS = str(asyncio.locks.__file__), str(asyncio.events.__file__)

_held: dict[int, _Held] = {}  # by address of the token
_acquires: set[CodeType] = set()  # of our wrappers
_made_by: weakref.WeakKeyDictionary[object, tuple[int, str]] = weakref.WeakKeyDictionary()  # by task: maker, its site


class NotAcquired(Exception):
    """The acquire returned False."""


class _Held:
    """The open uses of one token, oldest first."""

    __slots__ = ("records", "reference")

    def __init__(self, token: object) -> None:
        address = id(token)
        self.records: list[probe.Record] = []
        try:
            self.reference: weakref.ref[object] | None = weakref.ref(token, lambda _: _held.pop(address, None))
        except TypeError:
            self.reference = None


def _always(_: object) -> bool:
    return True


def patch_calls(
    kind: type, acquire: str, release: str, *, by_result: bool = False, alone: bool = False, wants: Wants = _always
) -> None:
    """Let a class report what is taken by its coroutine function ``acquire`` and given back by ``release``.

    ``alone``: nobody else can hold it meanwhile, so that its ``__aexit__`` ends what was acquired by a call.

    Raises:
        TypeError: ``acquire`` is no coroutine function, or ``release`` no function.
    """
    taking, giving = getattr(kind, acquire, None), getattr(kind, release, None)
    if not inspect.iscoroutinefunction(taking) or not callable(giving):
        raise TypeError(f"{kind.__qualname__} has no coroutine function {acquire} and function {release}")
    own = tuple(_code(getattr(kind, name, None)) for name in ("__aenter__", "__aexit__"))
    acquiring = _acquiring(taking, own[0], wants, (acquire.lstrip("_"), release), by_result=by_result)
    take = _take_result if by_result else _take_self(None if alone else own[1], release)
    releasing = (_releasing_later if inspect.iscoroutinefunction(giving) else _releasing)(giving, take)
    patching.replace(kind, acquire, patching.like(taking)(acquiring))
    patching.replace(kind, release, patching.like(giving)(releasing))


def note_task(task: object, coroutine: object) -> None:
    """Called where a task is made: keep who made it if it does nothing but acquire."""
    if getattr(coroutine, "cr_code", None) in _acquires:
        _made_by[task] = tasks.current(), _site(sys._getframe(1))  # noqa: SLF001  # no other way to the caller


def begin(manager: object, frame: FrameType, calls: tuple[str, str]) -> probe.Record | None:
    """The record of an acquire by a call that this frame makes; None where somebody else records it.

    ``calls``: the names of acquire and release.
    """
    try:
        task, site = None, ""
        made_by = _made_by.pop(_task(), None) if _made_by else None
        if made_by is not None:
            task, site = made_by
        else:
            site = _site(_overriding(frame, manager, calls[0]))
        if not site:
            return None
        record = probe.enter(manager, site, task=task)
        if record is not None:
            resources.calls[site] = calls
    except Exception as error:  # noqa: BLE001  # never into the program
        buffer.fault(f"finding out who acquires a {type(manager).__qualname__}", error)
        return None
    return record


def hold(token: object, record: probe.Record) -> None:
    """The acquire of this token came to its end: it is held until ``give_back``."""
    probe.acquired(record)
    held = _held.get(id(token))
    if held is None or (held.reference is not None and held.reference() is not token):
        held = _held[id(token)] = _Held(token)
    elif held.reference is None:  # another object may have had this address
        held.records.clear()
    held.records.append(record)


def give_back(token: object) -> probe.Record | None:
    """The record that the release of this token ends, now leaving; None where nobody recorded its acquire."""
    held = _held.get(id(token)) if _held else None
    if held is None:
        return None
    try:
        records, task = held.records, tasks.current()
        own = [place for place, record in enumerate(records) if record[probe.TASK] == task]
        record = records.pop(own[-1] if own else 0)
        if not records:
            _held.pop(id(token), None)
        probe.leaving(record, None)
    except Exception as error:  # noqa: BLE001  # never into the program
        buffer.fault(f"finding out what the release of a {type(token).__qualname__} ends", error)
        return None
    return record


def forget_all() -> None:
    """Begin anew; for ``uninstall``."""
    _held.clear()
    _made_by.clear()


async def ending(record: probe.Record, release: Awaitable[object]) -> object:
    """Await a release and end the record with it."""
    try:
        value = await release
    except BaseException as error:
        probe.failed(record, error)
        patching.without_frame(error, ending.__code__)
        raise
    probe.released(record, None)
    return value


def _acquiring(
    original: Method, enter: CodeType | None, wants: Wants, calls: tuple[str, str], *, by_result: bool
) -> Method:
    async def acquiring(manager: object, *arguments: object, **named: object) -> object:
        frame = sys._getframe(1)  # noqa: SLF001  # no other way to the caller
        record = None if frame.f_code is enter or not wants(manager) else begin(manager, frame, calls)
        del frame
        try:
            value = await original(manager, *arguments, **named)  # type: ignore[misc]
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            patching.without_frame(error, acquiring.__code__)
            raise
        if record is None:
            return value
        if value is False:
            probe.failed(record, NotAcquired(f"{calls[0]}() returned False"))
        else:
            hold(value if by_result else manager, record)
        return value

    _acquires.add(acquiring.__code__)
    return acquiring


def _releasing(original: Method, take: _Take) -> Method:
    def releasing(manager: object, *arguments: object, **named: object) -> object:
        record = take(manager, arguments, sys._getframe(1)) if _held else None  # noqa: SLF001
        try:
            value = original(manager, *arguments, **named)
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            patching.without_frame(error, releasing.__code__)
            raise
        if record is None:
            return value
        if inspect.isawaitable(value):
            return ending(record, value)
        probe.released(record, None)
        return value

    return releasing


def _releasing_later(original: Method, take: _Take) -> Method:
    async def releasing(manager: object, *arguments: object, **named: object) -> object:
        record = take(manager, arguments, sys._getframe(1)) if _held else None  # noqa: SLF001
        try:
            value = await original(manager, *arguments, **named)  # type: ignore[misc]
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            patching.without_frame(error, releasing.__code__)
            raise
        if record is not None:
            probe.released(record, None)
        return value

    return releasing


def _take_result(_: object, arguments: tuple[object, ...], __: FrameType) -> probe.Record | None:
    return give_back(arguments[0]) if arguments else None


def _take_self(leave: CodeType | None, name: str) -> _Take:
    def take(manager: object, _: tuple[object, ...], frame: FrameType) -> probe.Record | None:
        if id(manager) not in _held:
            return None
        caller = _overriding(frame, manager, name).f_code
        return None if caller is leave or _waits(caller) else give_back(manager)

    return take


def _waits(code: CodeType) -> bool:
    """Whether this is a condition's ``wait``: its lock is the waiter's before and after, and is not taken anew."""
    return code.co_filename == _LOCKS and code.co_name == "wait"


def _overriding(frame: FrameType, manager: object, name: str) -> FrameType:
    """The frame itself; where it is a subclass's method of this name that calls its base's, the one that called that."""
    while frame.f_back is not None and frame.f_code.co_name == name and frame.f_code.co_argcount:
        if frame.f_locals.get(frame.f_code.co_varnames[0]) is not manager:
            break
        frame = frame.f_back
    return frame


def _site(frame: FrameType) -> str:
    """The nearest caller outside Tenure and asyncio; "" where that is one of asyncio's locks."""
    while frame.f_back is not None:
        file = frame.f_code.co_filename
        if file == _LOCKS:
            return ""
        if file == _EVENTS or not file.startswith((_OURS, _ASYNCIO)):
            break
        frame = frame.f_back
    return sites.of_instruction(frame.f_code, frame.f_lasti)


def _task() -> object:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _code(method: object) -> CodeType | None:
    return getattr(inspect.unwrap(method), "__code__", None) if callable(method) else None
