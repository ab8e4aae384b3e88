"""Tasks: who created them and when, and when and how they ended.

Every loop's ``create_task`` is patched, which covers ``asyncio.create_task``, ``gather``, ``TaskGroup`` and
``ensure_future``. The native probe also observes direct calls of ``asyncio.Task``. With the Python probe such a task is
noticed at its first lifecycle, and has no creator.
"""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType
from typing import cast

from tenure._core import faults, object_access, probe_backend
from tenure._core.paths import PACKAGE_DIR
from tenure._core.wrapping import Method
from tenure._identify import libraries, task_names, task_origins, tasks, variables, wrapped_calls
from tenure._identify.task_table import AnyTask
from tenure._patching import class_patches
from tenure._patching.bodies import immediate
from tenure.adapters import asyncio_reprs
from tenure.adapters._kit import acquiring_tasks, before_call

if probe_backend.SERVES:
    from tenure import _probe

# Coroutines of libraries by function: the package, and where they have the program's, a variable and attributes of it.
_PASSED_ON: dict[str, tuple[str, ...]] = {
    "_run_coro": ("anyio", "self", "_coro"),
    "_run_wrapped_task": ("anyio", "coro"),
    "wrapper": ("uvloop", "main"),
}
_CREATION = "noting the creation of a task"  # for the log, if that fails
_SENDING = "noting who sends a coroutine to another thread"


def install(module: ModuleType) -> None:
    """Patch the event loops of asyncio, or of uvloop."""
    if module is not asyncio:
        libraries.know("uvloop")
    loop = module.BaseEventLoop if module is asyncio else module.Loop
    class_patches.replace(loop, "create_task", _noting(loop.create_task))
    if module is asyncio:
        sending = before_call.looking(asyncio.run_coroutine_threadsafe, _sent, _SENDING)
        for owner in (asyncio, asyncio.tasks):
            class_patches.replace(owner, "run_coroutine_threadsafe", sending)
    asyncio_reprs.hide(asyncio.base_futures, _ended)
    if probe_backend.SERVES and module is asyncio:
        _probe.watch_tasks(asyncio.Task, tasks.creating, _made_by_hand)
        class_patches.at_undo(_probe.unwatch_tasks)


def _sent(coro: object, *_: object, **__: object) -> None:
    """Note the line that calls ``run_coroutine_threadsafe``; the task is made in the loop's thread."""
    task_origins.send(coro, sys._getframe(1))  # noqa: SLF001  # no other way to the caller


def _noting(original: Method) -> Method:
    return immediate.method(original, _CREATION, before=_begin, after=_end, failed=_failed)


def _begin(_: object, arguments: tuple[object, ...], named: dict[str, object]) -> tuple[object, bool]:
    """The coroutine, and whether its creation is noted here."""
    coroutine = arguments[0] if arguments else named.get("coro")
    return coroutine, tasks.creating(coroutine)


def _end(state: tuple[object, bool], task: object) -> None:
    coroutine, is_noted = state
    _forget_our_frame(task)
    if is_noted:
        _created(task, coroutine)


def _failed(state: tuple[object, bool], _: BaseException) -> None:
    coroutine, is_noted = state
    if is_noted:
        _created(None, coroutine)


def _forget_our_frame(task: object) -> None:
    """Remove our frame from the creation stack that a task keeps in debug mode."""
    frames = object_access.attribute(task, "_source_traceback") if task_names.is_task(task) else None
    if frames and frames[-1].filename.startswith(PACKAGE_DIR):  # type: ignore[index]
        del frames[-1]  # type: ignore[attr-defined]


def _created(task: object, coroutine: object) -> None:
    """Note a created task; None: the creation failed. A program's own task factory may return another object."""
    if _note(task, coroutine) and task_names.is_task(task) and not asyncio.Task.done(task):
        asyncio.Task.add_done_callback(task, _ended)


def _made_by_hand(task: object, coroutine: object) -> None:
    """Note a task that was created by calling ``asyncio.Task``, as ``_created`` but without a done callback.

    The callback would be the task's first one, and would keep the task alive for the loop's next turn. Such a task ends
    when it is freed.
    """
    try:
        _note(task, coroutine)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault(_CREATION, error)


def _note(task: object, coroutine: object) -> bool:
    """Note the creation, and the end of an eager task that is done already; return whether it is a task."""
    if not task_names.is_task(task):
        tasks.created(None, coroutine)
        return False
    tasks.created(task, coroutine, _programs(coroutine))
    acquiring_tasks.note_task(task, coroutine)
    if asyncio.Task.done(task):
        _ended(task)
    return True


def _programs(coroutine: object) -> object:
    """Return the coroutine or the function that the program passed on, where a library runs it in one of its own."""
    coroutine = wrapped_calls.called_by(coroutine)
    frame = getattr(coroutine, "cr_frame", None) if task_names.is_coroutine(coroutine) else None
    passing = None if frame is None else _PASSED_ON.get(frame.f_code.co_name)
    if frame is None or passing is None:
        return coroutine
    package, local, *attributes = passing
    if object_access.exact(frame.f_globals.get("__name__")).partition(".")[0] != package:
        return coroutine
    passed_on = variables.of_suspended(frame).get(local)
    for name in attributes:
        passed_on = object_access.attribute(passed_on, name)
    return passed_on if task_names.is_coroutine(passed_on) else coroutine


def _ended(task: AnyTask) -> None:
    """Note the end of a task; its done callback. It does not mark the exception as retrieved."""
    try:
        is_cancelled = asyncio.Task.cancelled(task)
        error = asyncio.CancelledError() if is_cancelled else object_access.attribute(task, "_exception")
        tasks.finished(task, cast("BaseException | None", error))
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("noting the end of a task", error)
