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
import itertools
import sys
from collections.abc import Callable
from functools import partial
from types import CodeType, FrameType
from typing import NamedTuple

from tenure import _probe_api as probe
from tenure._core import faults, object_access, probe_backend
from tenure._core.paths import ASYNCIO_DIR, PACKAGE_DIR, code_file, is_own_frame
from tenure._identify import (
    call_site_cache,
    frame_kinds,
    libraries,
    resources,
    sites,
    task_origins,
    tasks,
    tracer,
)
from tenure._identify.sites import Place
from tenure._patching import class_patches
from tenure._patching.class_patches import Method, Predicate
from tenure.adapters._kit import acquiring_tasks, condition_waits, held_tokens, pure_acquire_release
from tenure.adapters._kit.pure_acquire_release import AcquiringTasks

if probe_backend.SERVES:
    from tenure import _probe

StandIn = Callable[[object], object]
_LOCKS = code_file(asyncio.locks)
_WRAPPERS_DEEP = 4  # frames
_CONDITIONS = frozenset({"asyncio.locks", "anyio._core._synchronization"})  # the modules that define them


class _Plan(NamedTuple):
    attribute: str
    enter: CodeType | None  # of the class's __aenter__, which acquires for a statement
    predicate: Predicate
    stand_in: StandIn
    names: tuple[str, str]  # of acquire and release
    by_result: bool
    when_gone: held_tokens.WhenGone | None


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
    counted: bool = False,
    labels: tuple[str, str] | None = None,
    stand_in: StandIn = _itself,
    predicate: Predicate = _always,
    when_gone: held_tokens.WhenGone | None = None,
) -> None:
    """Let a class report what its function ``acquire`` takes (a coroutine function, mostly) and ``release`` gives back.

    ``alone``: nobody else can hold it meanwhile, so that its ``__aexit__`` ends what was acquired by a call.
    ``counted``: it counts its places, and may be released too often.
    ``release_of``: the class that has the release, where that is a method of what the acquire returns.
    ``labels``: what people call the two, where they are not called by their names. ``stand_in(object)``: what stands
    for the resource, where that is not the object itself (to have an open pool is not to have one of its connections).
    ``when_gone(record)``: called where what the acquire returned is dropped, if that gives its place back.

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
    plan = _Plan(acquire, own[0], predicate, stand_in, names, is_result, when_gone)
    leave = None if alone or release_of else own[1]
    class_patches.replace(kind, acquire, _taking(taking, plan))
    class_patches.replace(
        releasable,
        release,
        _giving(giving, release, leave, by_result=by_result, of_result=is_result, counted=counted),
    )


def _taking(original: Method, plan: _Plan) -> Method:
    now = not inspect.iscoroutinefunction(inspect.unwrap(original))
    predicate, itself = None if plan.predicate is _always else plan.predicate, plan.stand_in is _itself
    if not probe_backend.SERVES:
        how = pure_acquire_release.Taking(
            partial(_begin, plan=plan), predicate, itself, plan.enter, plan.by_result, plan.when_gone
        )
        return pure_acquire_release.taking(original, how, sync=now)

    def begin_here(manager: object) -> probe.Record | None:
        frame = sys._getframe().f_back  # noqa: SLF001  # no other way to the caller
        return None if frame is None else _begin(manager, frame, plan)

    def on_value(value: object, record: probe.Record) -> None:
        pure_acquire_release.came_back(record, value, value, plan.when_gone)

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


def _giving(
    original: Method, name: str, leave: CodeType | None, *, by_result: bool, of_result: bool, counted: bool
) -> Method:
    """``leave``: the code that calls it for a statement; ``of_result``: what an acquire returned is given back."""

    def gives(token: object, frame: FrameType | None) -> bool:
        if by_result or frame is None:
            return by_result
        caller = overriding(frame, token, name)
        return caller.f_code is not leave and not _waits(caller)

    if not probe_backend.SERVES:
        surplus = _note_surplus if counted else None
        return pure_acquire_release.giving(original, gives, by_result=by_result, surplus=surplus)
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
            counted=False,
        )
    return _probe.give(
        original,
        name=name,
        exempt_code=leave,
        resolve=lambda token: gives(token, sys._getframe(1)),  # noqa: SLF001  # no other way to the caller
        on_value=(lambda token: _note_surplus(token, sys._getframe(1))) if counted else None,  # noqa: SLF001  # no other way to the caller
        itself=True,
        by_result=False,
        later=later,
        counted=counted,
    )


class NotHeld(Exception):
    """The task had released it before."""


def _note_surplus(token: object, frame: FrameType) -> None:
    """A release too many is told as a use that failed, at the line of the release."""
    site = _site(overriding(frame, token, "release"), type(token), "release")
    record = probe.enter(token, site) if site else None
    if record is not None:
        resources.called_at(site, "release", "")
        probe.failed(record, NotHeld("this task had released it before"))


def who(frame: FrameType, kind: type, call: str) -> tuple[int | None, str]:
    """Who acquires a resource of this type by a call that this frame makes: the task and the site.

    The task is None where it is the running one. The site is "" where that is a library's own affair.
    """
    makers = tracer.current.of(AcquiringTasks).made_by
    made_by = makers.pop(tasks.running()) if makers else None
    kind = resources.described(kind)
    own_site = _site(frame, kind, call, serves_caller=libraries.serves_caller_of(kind))
    if made_by is not None:
        task, site, library = made_by
        is_makers = own_site and (not library or libraries.enters_its_own(library, kind))
        return task, site if is_makers else ""  # an awaitable may acquire for its library's ends
    return acquiring_tasks.maker_of_eager(), own_site


def _begin(manager: object, frame: FrameType, plan: _Plan) -> probe.Record | None:
    """The record of an acquire by a call that this frame makes; None where somebody else records it."""
    try:
        if condition_waits.resumes(frame) or not plan.predicate(manager):
            return None
        if plan.predicate is not _always and _is_wrapped(frame, manager, plan):
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
    task, site = who(caller, type(manager), plan.names[0])
    code = frame.f_code
    is_between = libraries.of_frame(frame) or libraries.is_wrapper(frame)
    is_between = is_between or code.co_filename.startswith((PACKAGE_DIR, ASYNCIO_DIR))
    if site and task is None and caller is frame and code.co_name != plan.attribute and not is_between:
        if sites.is_internal(site):
            call_site_cache.keep_internal(frame, call_site_cache.BY_CALL, site, type(manager))
        elif not libraries.is_installed(frame):
            call_site_cache.keep(frame, call_site_cache.BY_CALL, site)
    return task, site


def _is_wrapped(frame: FrameType, manager: object, plan: _Plan) -> bool:
    """Whether the frame is a wrapper in the method's place that the library itself calls, within a longer acquire."""
    package = libraries.of_type(resources.described(type(manager)))
    callers = itertools.dropwhile(is_own_frame, libraries.stack(frame))
    for depth, caller in enumerate(itertools.islice(callers, _WRAPPERS_DEEP + 1)):
        if libraries.of_frame(caller) == package:
            return depth > 0 and plan.attribute in caller.f_code.co_names
    return False


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


def _site(frame: FrameType, kind: type = object, via: str = "", *, serves_caller: bool = False) -> str:
    """The nearest caller outside Tenure, asyncio and the type's own library; "" if it is not recorded.

    ``serves_caller``: other installed code acquires it for its caller too, else for its own ends. In a task that runs
    only the library's own coroutine, it is the line that made the task.
    """
    library, in_library = "", None
    for caller, package in task_origins.callers(frame):
        file = caller.f_code.co_filename
        if file == _LOCKS or (package and not libraries.enters_its_own(package, resources.described(kind))):
            return ""
        place = Place(caller.f_code, caller.f_lasti)
        if package:
            library, in_library = package, place
        elif not file.startswith((PACKAGE_DIR, ASYNCIO_DIR)):
            is_installed = libraries.is_installed(caller)
            if not is_installed or not serves_caller:
                return place.site(via if library else "", is_installed)
            library, in_library = library or "installed", place
    if in_library is None and frame.f_code.co_filename == frame_kinds.EVENTS:
        in_library = Place(frame.f_code, frame.f_lasti)
    origin = task_origins.of_running() or in_library
    return "" if origin is None else origin.site(via if library else "")


def _code(method: object) -> CodeType | None:
    return getattr(inspect.unwrap(method), "__code__", None) if callable(method) else None
