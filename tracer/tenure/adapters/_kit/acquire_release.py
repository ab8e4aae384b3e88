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
from collections.abc import Callable
from functools import partial
from types import CodeType, FrameType
from typing import NamedTuple

from tenure import _probe_api as probe
from tenure._core import faults, object_access, probe_backend
from tenure._core.paths import ASYNCIO_DIR, PACKAGE_DIR, code_file
from tenure._identify import call_site_cache, libraries, resources, sites, task_names, tasks, tracer
from tenure._patching import class_patches
from tenure._patching.class_patches import Method, Predicate
from tenure.adapters._kit import held_tokens, pure_acquire_release
from tenure.adapters._kit.pure_acquire_release import AcquiringTasks

if probe_backend.SERVES:
    from tenure import _probe

StandIn = Callable[[object], object]
_LOCKS, _EVENTS, _TASKS = (code_file(module) for module in (asyncio.locks, asyncio.events, asyncio.tasks))

_CONDITIONS = frozenset({"asyncio.locks", "anyio._core._synchronization"})  # the modules that define them


class _Plan(NamedTuple):
    attribute: str
    enter: CodeType | None  # of the class's __aenter__, which acquires for a statement
    predicate: Predicate
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
    predicate: Predicate = _always,
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
    plan = _Plan(acquire, own[0], predicate, stand_in, names, by_result=is_result, alone_in_task=alone_in_task)
    leave = None if alone or release_of else own[1]
    class_patches.replace(kind, acquire, _taking(taking, plan))
    class_patches.replace(
        releasable, release, _giving(giving, release, leave, by_result=by_result, of_result=is_result)
    )


def _taking(original: Method, plan: _Plan) -> Method:
    now = not inspect.iscoroutinefunction(inspect.unwrap(original))
    predicate, itself = None if plan.predicate is _always else plan.predicate, plan.stand_in is _itself
    if not probe_backend.SERVES:
        begin = partial(_begin, plan=plan)
        how = pure_acquire_release.Taking(begin, predicate, itself, plan.enter, plan.by_result)
        return pure_acquire_release.taking(original, how, sync=now)

    def begin_here(manager: object) -> probe.Record | None:
        frame = sys._getframe().f_back  # noqa: SLF001  # no other way to the caller
        return None if frame is None else _begin(manager, frame, plan)

    def on_value(value: object, record: probe.Record) -> None:
        pure_acquire_release.came_back(record, value, value)

    code = _code(original)
    if code is not None and not now:
        tracer.current.of(AcquiringTasks).codes.add(code)
    return _probe.take(
        original,
        exempt_code=plan.enter,
        predicate=predicate,
        resolve=begin_here,
        on_value=on_value,
        itself=itself,
        by_result=plan.by_result,
        sync=now,
    )


def _giving(original: Method, name: str, leave: CodeType | None, *, by_result: bool, of_result: bool) -> Method:
    """``leave``: the code that calls it for a statement; ``of_result``: what an acquire returned is given back."""

    def gives(token: object, frame: FrameType | None) -> bool:
        if by_result or frame is None:
            return by_result
        caller = overriding(frame, token, name)
        return caller.f_code is not leave and not _waits(caller)

    if not probe_backend.SERVES:
        return pure_acquire_release.giving(original, gives, by_result=by_result)
    later = inspect.iscoroutinefunction(original)
    if of_result:  # held beside what other calls open (tenure.adapters._kit.open_close), so in Python
        return _probe.give(
            original,
            name=name,
            exempt_code=None,
            resolve=held_tokens.is_held,
            on_value=held_tokens.give_back,
            itself=not by_result,
            by_result=True,
            later=later,
        )
    return _probe.give(
        original,
        name=name,
        exempt_code=leave,
        resolve=lambda token: gives(token, sys._getframe(1)),  # noqa: SLF001  # no other way to the caller
        on_value=None,
        itself=True,
        by_result=False,
        later=later,
    )


def note_task(task: object, coroutine: object) -> None:
    """Called where a task is made: keep who made it if it does nothing but acquire."""
    if not task_names.is_coroutine(coroutine):
        return
    code = getattr(coroutine, "cr_code", None) or getattr(coroutine, "gi_code", None)
    acquiring = tracer.current.of(AcquiringTasks)
    if code in acquiring.codes or (
        code is not None and code.co_filename == _TASKS and code.co_name == "_wrap_awaitable"
    ):
        frame = sys._getframe(1)  # noqa: SLF001  # no other way to the caller
        acquiring.made_by.put(task, (tasks.current(), _site(frame, serves_caller=True), _site(frame)))


def who(frame: FrameType, kind: type, call: str, *, alone_in_task: bool = False) -> tuple[int | None, str]:
    """Who acquires a resource of this type by a call that this frame makes: the task and the site.

    The task is None where it is the running one. The site is "" where that is a library's own affair; ``alone_in_task``
    is as for ``patch_calls``.
    """
    makers = tracer.current.of(AcquiringTasks).made_by
    made_by = makers.pop(_task()) if makers else None
    serves_caller = libraries.serves_caller_of(kind)
    if made_by is not None:
        return made_by[0], made_by[1] if serves_caller else made_by[2]
    return None, _site(frame, kind, call, alone_in_task=alone_in_task, serves_caller=serves_caller)


def _begin(manager: object, frame: FrameType, plan: _Plan) -> probe.Record | None:
    """The record of an acquire by a call that this frame makes; None where somebody else records it."""
    try:
        if not plan.predicate(manager):
            return None
        task, site = None, call_site_cache.known(frame, call_site_cache.BY_CALL, type(manager))
        if not site:
            task, site = _found(manager, frame, plan)
        record = probe.enter(plan.stand_in(manager), site, task=task) if site else None
        if record is not None:
            resources.called_at(site, *plan.names)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("finding out who acquires a {}", error, kind=type(manager))
        return None
    return record


def _found(manager: object, frame: FrameType, plan: _Plan) -> tuple[int | None, str]:
    """Who acquires, as ``who`` says it; kept where the calling instruction alone decides."""
    caller = overriding(frame, manager, plan.attribute)
    task, site = who(caller, type(manager), plan.names[0], alone_in_task=plan.alone_in_task)
    code = frame.f_code
    is_libraries = libraries.of_frame(frame) or code.co_filename.startswith((PACKAGE_DIR, ASYNCIO_DIR))
    if site and task is None and caller is frame and code.co_name != plan.attribute and not is_libraries:
        if sites.is_internal(site):
            call_site_cache.keep_internal(frame, call_site_cache.BY_CALL, site, type(manager))
        elif not libraries.is_installed(frame):
            call_site_cache.keep(frame, call_site_cache.BY_CALL, site)
    return task, site


def _waits(frame: FrameType) -> bool:
    """Whether this is a condition's ``wait``: its lock is the waiter's before and after, and is not acquired again."""
    return frame.f_code.co_name == "wait" and object_access.exact(frame.f_globals.get("__name__")) in _CONDITIONS


def overriding(frame: FrameType, manager: object, name: str) -> FrameType:
    """The frame itself, or, where that is a subclass's method of this name that calls its base's, its caller."""
    while frame.f_back is not None and frame.f_code.co_name == name and frame.f_code.co_argcount:
        if frame.f_locals.get(frame.f_code.co_varnames[0]) is not manager:
            break
        frame = frame.f_back
    return frame


def _site(
    frame: FrameType, kind: type = object, via: str = "", *, alone_in_task: bool = False, serves_caller: bool = False
) -> str:
    """The nearest caller outside Tenure, asyncio and the type's own library; "" if it is not recorded.

    ``serves_caller``: other installed code acquires it for its caller too, else for its own ends.
    """
    library, own, outermost = "", "", ""
    for caller in libraries.stack(frame):
        file = caller.f_code.co_filename
        package = libraries.of_frame(caller)
        if file == _LOCKS or ((library or outermost) and file == _EVENTS):
            return own or outermost
        if package and not libraries.enters_its_own(package, resources.described(kind)):
            return ""
        if file == _EVENTS or not (package or file.startswith((PACKAGE_DIR, ASYNCIO_DIR))):
            is_installed = file != _EVENTS and libraries.is_installed(caller)
            if not is_installed or not serves_caller:
                named = via if library or outermost else ""
                return sites.of_instruction(caller.f_code, caller.f_lasti, named, internal=is_installed)
            outermost = sites.of_instruction(caller.f_code, caller.f_lasti, via)
        library = library or package
        if package and alone_in_task:
            own = sites.of_instruction(caller.f_code, caller.f_lasti, via)
    return own or outermost


def _task() -> object:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _code(method: object) -> CodeType | None:
    return getattr(inspect.unwrap(method), "__code__", None) if callable(method) else None
