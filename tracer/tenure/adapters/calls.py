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
from typing import NamedTuple

from tenure import buffer, libraries, patching, probe, resources, sites, tasks
from tenure.adapters import held
from tenure.patching import AsyncMethod, Method, Wants

StandIn = Callable[[object], object]
_Take = Callable[[object, tuple[object, ...], FrameType | None], probe.Record | None]
_OURS = str(Path(__file__).parent.parent)
_ASYNCIO = str(Path(asyncio.__file__).parent)
_LOCKS, _EVENTS, _TASKS = (str(module.__file__) for module in (asyncio.locks, asyncio.events, asyncio.tasks))

_CONDITIONS = frozenset({"asyncio.locks", "anyio._core._synchronization"})  # the modules that define them

_acquires: set[CodeType] = set()  # of our wrappers
_made_by: weakref.WeakKeyDictionary[object, tuple[int, str]] = weakref.WeakKeyDictionary()  # by task: maker, its site


class NotAcquired(Exception):
    """The acquire returned False."""


class _Plan(NamedTuple):
    attribute: str
    enter: CodeType | None  # of the class's __aenter__, which acquires for a statement
    wants: Wants
    stand_in: StandIn
    names: tuple[str, str]  # of acquire and release
    by_result: bool
    alone_in_task: bool


def _always(_: object) -> bool:
    return True


def _itself(manager: object) -> object:
    return manager


def patch_calls(
    kind: type,
    acquire: str,
    release: str,
    *,
    by_result: bool = False,
    release_of: type | None = None,
    alone: bool = False,
    alone_in_task: bool = False,
    labels: tuple[str, str] | None = None,
    stand_in: StandIn = _itself,
    wants: Wants = _always,
) -> None:
    """Let a class report what its function ``acquire`` takes (a coroutine function, mostly) and ``release`` gives back.

    ``alone``: nobody else can hold it meanwhile, so that its ``__aexit__`` ends what was acquired by a call.
    ``release_of``: the class that has the release, where that is a method of what the acquire returns.
    ``alone_in_task``: also where a task is made of the library's own coroutine (``gather(session.get(url))``), which
    else is taken for the library's own affair. ``labels``: what people call the two, where they are not called by their
    names. ``stand_in(object)``: what stands for the resource, where that is not the object itself (to have an open pool
    is not to have one of its connections).

    Raises:
        TypeError: one of them is no function.
    """
    releasable = release_of or kind
    taking, giving = getattr(kind, acquire, None), getattr(releasable, release, None)
    if not callable(taking) or not callable(giving):
        raise TypeError(f"{kind.__qualname__} has no functions {acquire} and {release}")
    own = tuple(_code(getattr(kind, name, None)) for name in ("__aenter__", "__aexit__"))
    is_result = by_result or release_of is not None
    names = labels or (acquire, release)
    plan = _Plan(acquire, own[0], wants, stand_in, names, by_result=is_result, alone_in_task=alone_in_task)
    if inspect.iscoroutinefunction(inspect.unwrap(taking)):
        acquiring = patching.shaped(taking, _acquiring(taking, plan))
    else:
        acquiring = _acquiring_now(taking, plan)
    take = _take_result if by_result else _take_self(None if alone or release_of else own[1], release)
    releasing = _releasing_later(giving, take) if inspect.iscoroutinefunction(giving) else _releasing(giving, take)
    patching.replace(kind, acquire, patching.like(taking)(acquiring))
    patching.replace(releasable, release, patching.like(giving)(releasing))


def note_task(task: object, coroutine: object) -> None:
    """Called where a task is made: keep who made it if it does nothing but acquire."""
    code = getattr(coroutine, "cr_code", None) or getattr(coroutine, "gi_code", None)
    if code in _acquires or (code is not None and code.co_filename == _TASKS and code.co_name == "_wrap_awaitable"):
        _made_by[task] = tasks.current(), _site(sys._getframe(1))  # noqa: SLF001  # no other way to the caller


def on_behalf(code: CodeType) -> None:
    """Let tasks made of nothing but a coroutine of this code acquire for who made them."""
    _acquires.add(code)


def who(frame: FrameType, kind: type, call: str, *, alone_in_task: bool = False) -> tuple[int | None, str]:
    """Who acquires a resource of this type by a call that this frame makes: the task and the site.

    The task is None where it is the running one. The site is "" where that is a library's own affair; ``alone_in_task``
    is as for ``patch_calls``.
    """
    made_by = _made_by.pop(_task(), None) if _made_by else None
    return made_by if made_by is not None else (None, _site(frame, kind, call, alone_in_task=alone_in_task))


def forget_all() -> None:
    """Begin anew; for ``uninstall``."""
    held.forget_all()
    _made_by.clear()


def _acquiring(original: Method, plan: _Plan) -> AsyncMethod:
    enter = plan.enter

    async def acquiring(manager: object, *arguments: object, _original: Method = original, **named: object) -> object:
        frame = sys._getframe().f_back  # noqa: SLF001  # no other way to the caller
        record = None if frame is None or frame.f_code is enter else _begin(manager, frame, plan)
        del frame
        try:
            value = await _original(manager, *arguments, **named)  # type: ignore[misc]
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            patching.without_frame(error, acquiring.__code__)
            del manager, arguments, named
            raise
        if record is not None:
            _came_back(value, manager, record, plan)
        return value

    _acquires.add(acquiring.__code__)
    return acquiring


def _acquiring_now(original: Method, plan: _Plan) -> Method:
    def acquiring(manager: object, *arguments: object, **named: object) -> object:
        frame = sys._getframe().f_back  # noqa: SLF001  # no other way to the caller
        record = None if frame is None else _begin(manager, frame, plan)
        del frame
        try:
            value = original(manager, *arguments, **named)
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            patching.without_frame(error, acquiring.__code__)
            del manager, arguments, named
            raise
        if record is not None:
            _came_back(value, manager, record, plan)
        return value

    return acquiring


def _begin(manager: object, frame: FrameType, plan: _Plan) -> probe.Record | None:
    """The record of an acquire by a call that this frame makes; None where somebody else records it."""
    if not plan.wants(manager):
        return None
    try:
        caller = overriding(frame, manager, plan.attribute)
        task, site = who(caller, type(manager), plan.names[0], alone_in_task=plan.alone_in_task)
        record = probe.enter(plan.stand_in(manager), site, task=task) if site else None
        if record is not None:
            resources.calls[site] = plan.names
    except Exception as error:  # noqa: BLE001  # never into the program
        buffer.fault(f"finding out who acquires a {type(manager).__qualname__}", error)
        return None
    return record


def _came_back(value: object, manager: object, record: probe.Record, plan: _Plan) -> None:
    if value is False:
        probe.failed(record, NotAcquired(f"{plan.names[0]}() returned False"))
        return
    probe.acquired(record)
    try:
        held.hold(value if plan.by_result else manager, record)
    except Exception as error:  # noqa: BLE001  # never into the program
        buffer.fault(f"remembering who holds a {type(manager).__qualname__}", error)


def _releasing(original: Method, take: _Take) -> Method:
    def releasing(manager: object, *arguments: object, **named: object) -> object:
        record = take(manager, (*arguments, *named.values()), sys._getframe().f_back) if held.tokens else None  # noqa: SLF001
        try:
            value = original(manager, *arguments, **named)
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            patching.without_frame(error, releasing.__code__)
            del manager, arguments, named
            raise
        if record is None:
            return value
        if value is not None and inspect.isawaitable(value):
            return _ending(record, value)
        probe.released(record, None)
        return value

    return releasing


def _releasing_later(original: Method, take: _Take) -> Method:
    async def releasing(manager: object, *arguments: object, **named: object) -> object:
        record = take(manager, (*arguments, *named.values()), sys._getframe().f_back) if held.tokens else None  # noqa: SLF001
        try:
            value = await original(manager, *arguments, **named)  # type: ignore[misc]
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            patching.without_frame(error, releasing.__code__)
            del manager, arguments, named
            raise
        if record is not None:
            probe.released(record, None)
        return value

    return releasing


async def _ending(record: probe.Record, release: Awaitable[object]) -> object:
    try:
        value = await release
    except BaseException as error:
        probe.failed(record, error)
        patching.without_frame(error, _ending.__code__)
        del release
        raise
    probe.released(record, None)
    return value


def _take_result(_: object, arguments: tuple[object, ...], __: FrameType | None) -> probe.Record | None:
    token = next((argument for argument in arguments if held.is_held(argument)), None)
    return None if token is None else held.give_back(token)


def _take_self(leave: CodeType | None, name: str) -> _Take:
    def take(manager: object, _: tuple[object, ...], frame: FrameType | None) -> probe.Record | None:
        if frame is None or not held.is_held(manager):
            return None
        caller = overriding(frame, manager, name)
        return None if caller.f_code is leave or _waits(caller) else held.give_back(manager)

    return take


def _waits(frame: FrameType) -> bool:
    """Whether this is a condition's ``wait``: its lock is the waiter's before and after, and is not taken anew."""
    return frame.f_code.co_name == "wait" and frame.f_globals.get("__name__") in _CONDITIONS


def overriding(frame: FrameType, manager: object, name: str) -> FrameType:
    """The frame itself, or, where that is a subclass's method of this name that calls its base's, its caller."""
    while frame.f_back is not None and frame.f_code.co_name == name and frame.f_code.co_argcount:
        if frame.f_locals.get(frame.f_code.co_varnames[0]) is not manager:
            break
        frame = frame.f_back
    return frame


def _site(frame: FrameType, kind: type = object, via: str = "", *, alone_in_task: bool = False) -> str:
    """The nearest caller outside Tenure, asyncio and the type's own library; "" if it is a library's own affair."""
    library, own = "", ""
    for caller in libraries.stack(frame):
        file = caller.f_code.co_filename
        package = libraries.of_frame(caller)
        if file == _LOCKS or (library and file == _EVENTS):
            return own
        if package and package != libraries.of_type(resources.described(kind)):
            return ""
        if file == _EVENTS or not (package or file.startswith((_OURS, _ASYNCIO))):
            return sites.of_instruction(caller.f_code, caller.f_lasti, via if library else "")
        library = library or package
        if package and alone_in_task:
            own = sites.of_instruction(caller.f_code, caller.f_lasti, via)
    return own


def _task() -> object:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _code(method: object) -> CodeType | None:
    return getattr(inspect.unwrap(method), "__code__", None) if callable(method) else None
