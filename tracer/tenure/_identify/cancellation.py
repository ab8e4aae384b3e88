"""Who cancels a task: found at the moment of the request, from the stack that made it.

The native probe sees every ``Task.cancel()``. The Python probe does not: Task is written in C, and a patch of it would
be visible. Adapters report what the functions of asyncio and anyio cancel; a program's own call stays unknown.

The innermost function on the stack that cancels on behalf of another (``register``) says for whom. Where there is none,
the canceller is the program's line that called. A task that is being cancelled may pass that on, by its task group or
to what it waits for; the canceller is then the one that cancelled this task.

A request is pending until ``uncancel()`` has answered it, or another one has come after it was delivered.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from types import FrameType
from typing import cast

from tenure._core import faults, object_access
from tenure._core.object_access import short_name
from tenure._core.paths import ASYNCIO_DIR, PACKAGE_DIR, code_file, is_own_frame
from tenure._core.wrapping import traceback_of
from tenure._identify import libraries, sites, task_names, tasks, tracer
from tenure._identify.exceptions import Canceller, Failure, failure_of
from tenure._identify.task_table import AnyTask
from tenure._identify.tracer import CancellerResolver

__all__ = [
    "CancellerResolver",
    "IsStillPending",
    "by_failure",
    "by_library",
    "by_task",
    "canceller",
    "failure",
    "is_library",
    "register",
    "requested",
    "site_of",
]

IsStillPending = Callable[[], bool]

_MAX_CAUSES = 4  # that are looked at
_Earlier = Callable[[BaseException], BaseException | None]
_cause: _Earlier = BaseException.__dict__["__cause__"].__get__
_context: _Earlier = BaseException.__dict__["__context__"].__get__
_CONTEXTLIB = code_file(contextlib)
_LOOP = frozenset(code_file(module) for module in (asyncio.events, asyncio.base_events, asyncio.runners))


def register(file: str, function: str, resolve: CancellerResolver) -> None:
    """Let ``resolve`` say who stands behind the frame of a function that cancels on behalf of another."""
    tracer.current.cancellers[file, function] = resolve


def requested(task: object, by: Canceller | None = None, is_pending: IsStillPending | None = None) -> None:
    """Note that a task is about to be cancelled; call it before that. It never raises.

    ``by`` None: found from the stack. ``is_pending``: whether the request still stands, for an adapter that does not
    see every request.
    """
    try:
        if task_names.is_task(task) and not asyncio.Task.done(task) and not _is_on_its_way(task):
            by = by or canceller(sys._getframe(1))  # noqa: SLF001  # no other way to the caller
            tasks.cancelled(task, by, is_pending)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("finding out who cancels a task", error)


def failure(error: BaseException) -> Failure:
    """The failure of an exception in the running task.

    It has the canceller of a cancellation, also where another exception was raised in its place: by a timeout, or by
    the program's own clean-up.
    """
    kind = type(error)
    if issubclass(kind, asyncio.CancelledError):
        return failure_of(error, tasks.canceller_of(tasks.running()))
    if not _came_of_cancellation(error):
        return failure_of(error)
    is_timeout = issubclass(kind, TimeoutError) or short_name(kind).endswith("Timeout")
    running = tasks.running()
    return failure_of(error, tasks.last_canceller(running) if is_timeout else tasks.canceller_of(running))


def _came_of_cancellation(error: BaseException) -> bool:
    """Whether an exception was raised in place of a cancellation: that one is its cause, or its cause's."""
    earlier: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        earlier = None if earlier is None else _cause(earlier) or _context(earlier)
        if issubclass(type(earlier), asyncio.CancelledError):
            return True
    return False


def canceller(frame: FrameType | None) -> Canceller:
    """Who is behind a call that this frame makes and that cancels."""
    running = tasks.running()
    for caller in libraries.stack(frame):
        code = caller.f_code
        if code.co_filename.startswith(PACKAGE_DIR):
            continue
        resolve = tracer.current.cancellers.get((code.co_filename, code.co_name))
        if resolve is not None and (by := _propagated_from(running) or resolve(caller)) is not None:
            return by
        if code.co_filename in _LOOP:
            break
        if not is_library(caller):
            return by_task(running, "", sites.of_instruction(code, caller.f_lasti))
    return by_task(running, "", "")


def _propagated_from(running: AnyTask | None) -> Canceller | None:
    """Who cancelled the running task, where it is handling that cancellation now."""
    return tasks.canceller_of(running) if issubclass(type(sys.exception()), asyncio.CancelledError) else None


def by_task(task: AnyTask | None, via: str, site: str) -> Canceller:
    """A task (None: none) that cancels at this site; ``via``: on whose behalf."""
    entry = None if task is None else tasks.known(task)
    return Canceller(0, "", via, site) if entry is None else Canceller(entry.id, entry.name, via, site)


def by_failure(task: AnyTask | None, error: BaseException | None, via: str) -> Canceller:
    """The task whose failure a group answers by cancelling the others, and where it failed."""
    return by_task(task, via, "" if error is None else _raised_at(error))


def by_library(via: str) -> CancellerResolver:
    """A library's function that cancels for the program's line which it was called from."""

    def resolve(frame: FrameType) -> Canceller:
        return Canceller(0, "", via, site_of(frame))

    return resolve


def site_of(frame: FrameType | None) -> str:
    """The site of the nearest caller that is the program's, "" where there is none."""
    for caller in libraries.stack(frame):
        if not (is_library(caller) or is_own_frame(caller)):
            return sites.of_instruction(caller.f_code, caller.f_lasti)
    return ""


def is_library(frame: FrameType) -> bool:
    """Whether this frame runs code of asyncio, of contextlib, or of a library that an adapter knows."""
    file = frame.f_code.co_filename
    return file.startswith(ASYNCIO_DIR) or file == _CONTEXTLIB or bool(libraries.of_frame(frame))


def _is_on_its_way(task: AnyTask) -> bool:
    """Whether an earlier request brings the error: it has not been delivered yet, or was not seen."""
    if object_access.attribute(task, "_must_cancel", False):
        return True
    waits_for = object_access.attribute(task, "_fut_waiter")
    if not asyncio.Task.cancelling(task):
        return False
    if tasks.canceller_of(task) is None:
        return True  # whose it is is not known, and this is another one
    if waits_for is None:
        return False
    if task_names.is_task(waits_for):
        return asyncio.Task.cancelling(waits_for) > 0
    is_future = issubclass(type(waits_for), asyncio.Future)
    return (is_future and asyncio.Future.cancelled(cast("AnyTask", waits_for))) or object_access.attribute(
        waits_for, "_cancel_requested"
    ) is True


def _raised_at(error: BaseException) -> str:
    """The innermost place of the program's that an exception came through."""
    site, traceback = "", traceback_of(error)
    while traceback is not None:
        if not is_library(traceback.tb_frame):
            site = sites.of_instruction(traceback.tb_frame.f_code, traceback.tb_lasti)
        traceback = traceback.tb_next
    return site
