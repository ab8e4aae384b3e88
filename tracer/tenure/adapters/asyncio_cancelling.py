"""Who cancels: a call of Task.cancel(), or asyncio for a task group, a timeout, a signal, or the end of the program."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from types import FrameType, ModuleType
from typing import cast

from tenure._core import object_access, probe_backend
from tenure._core.paths import code_file
from tenure._identify import cancellation
from tenure._identify.exceptions import Canceller
from tenure._patching import class_patches
from tenure.adapters import asyncio_cancelling_pure, asyncio_scopes

if probe_backend.SERVES:
    from tenure import _probe


def install(module: ModuleType) -> None:
    """Register asyncio's functions that cancel tasks, and note every request to cancel."""
    for where, function, describe in (
        (module.taskgroups, "_on_task_done", _child_failed),
        (module.taskgroups, "__aexit__", _body_failed),
        (module.taskgroups, "_aexit", _body_failed),
        (module.timeouts, "_on_timeout", _timed_out),
        (module.tasks, "wait_for", _waited_long),
        (module.runners, "_cancel_all_tasks", cancellation.by_library("end of asyncio.run")),
        (module.runners, "_on_sigint", _interrupted),
        (module.events, "_run", _called_back),
    ):
        cancellation.register(code_file(where), function, describe)
    if not probe_backend.SERVES:
        asyncio_cancelling_pure.install(module)
    elif _probe.watch_cancel(module.Task.cancel, cancellation.requested):
        class_patches.at_undo(_probe.unwatch_cancel)


def _child_failed(frame: FrameType) -> Canceller:
    task = frame.f_locals.get("task")
    error = object_access.attribute(task, "_exception")  # not exception(), which would mark it as retrieved
    return cancellation.by_failure(task, cast("BaseException | None", error), "TaskGroup")


def _body_failed(frame: FrameType) -> Canceller:
    return body_failed(frame.f_locals.get("exc"), "TaskGroup")


def body_failed(error: BaseException | None, via: str) -> Canceller:
    """Describe the task whose failing body cancels its group; no task if it was cancelled by an unknown canceller."""
    if issubclass(type(error), asyncio.CancelledError):
        return Canceller(0, "", via, "")
    return cancellation.by_failure(asyncio.current_task(), error, via)


def _timed_out(frame: FrameType) -> Canceller:
    return asyncio_scopes.canceller(frame.f_locals["self"])


def _waited_long(frame: FrameType) -> Canceller:
    """Describe ``wait_for`` of Python 3.11, which cancels itself; later ones have a timeout of asyncio's."""
    seconds = frame.f_locals.get("timeout")
    is_plain = type(seconds) is int or type(seconds) is float
    by = f"wait_for {asyncio_scopes.length(seconds)}" if is_plain else "wait_for"  # type: ignore[arg-type]
    return Canceller(0, "", by, cancellation.site_of(frame))


def _interrupted(_: FrameType) -> Canceller:
    return Canceller(0, "", "SIGINT", "")


def _called_back(frame: FrameType) -> Canceller:
    """Describe a call of cancel() by the loop: for a signal, or because the program scheduled it."""
    handle = frame.f_locals.get("self")
    handlers = object_access.attribute(object_access.attribute(handle, "_loop"), "_signal_handlers", {})
    for number, waiting in cast("dict[int, object]", handlers).items():
        if waiting is handle:
            with contextlib.suppress(ValueError):
                return Canceller(0, "", signal.Signals(number).name, "")
    return Canceller(0, "", "event loop", "")
