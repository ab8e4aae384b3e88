"""Tasks: who made them and when, when they ended and how.

Every loop's ``create_task`` is patched, so ``asyncio.create_task``, ``gather``, ``TaskGroup`` and ``ensure_future`` are
seen alike. The native probe sees also where a library calls ``asyncio.Task`` itself; with the Python probe such a task
is found at its first lifecycle, and has no creator.
"""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import cast

from tenure._core import faults, object_access, probe_backend
from tenure._identify import libraries, task_names, tasks
from tenure._identify.task_table import AnyTask
from tenure._patching import class_patches
from tenure.adapters import asyncio_reprs
from tenure.adapters._kit import acquire_release

if probe_backend.SERVES:
    from tenure import _probe

_CREATION = "noting the creation of a task"  # said where it fails


def install(module: ModuleType) -> None:
    """Patch the event loops of asyncio, or of uvloop."""
    if module is not asyncio:
        libraries.know("uvloop")
    loop = module.BaseEventLoop if module is asyncio else module.Loop
    class_patches.replace(loop, "create_task", _noting(loop.create_task))
    asyncio_reprs.hide(asyncio.base_futures, _ended)
    if probe_backend.SERVES and module is asyncio:
        _probe.watch_tasks(asyncio.Task, tasks.creating, _made_by_hand)
        class_patches.at_undo(_probe.unwatch_tasks)


def _noting(original: class_patches.Method) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    def create_task(loop: object, coro: object, *arguments: object, **named: object) -> object:
        is_told = False
        try:
            is_told = tasks.creating(coro)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault("noting who creates a task", fault)
        try:
            task = original(loop, coro, *arguments, **named)
        except BaseException as error:
            try:
                class_patches.strip_frame(error, create_task.__code__)
                if is_told:
                    _created(None, coro)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(_CREATION, fault)
            raise
        try:
            _forget_our_frame(task)
            if is_told:
                _created(task, coro)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_CREATION, fault)
        return task

    return create_task


def _forget_our_frame(task: object) -> None:
    """In debug mode a task knows the stack of who made it."""
    frames = object_access.attribute(task, "_source_traceback") if task_names.is_task(task) else None
    if frames and frames[-1].filename == __file__:  # type: ignore[index]
        del frames[-1]  # type: ignore[attr-defined]


def _created(task: object, coroutine: object) -> None:
    """``task``: what was made, None where that failed. A factory of the program's own may have made something else."""
    if _note(task, coroutine) and task_names.is_task(task) and not asyncio.Task.done(task):
        asyncio.Task.add_done_callback(task, _ended)


def _made_by_hand(task: object, coroutine: object) -> None:
    """As ``_created``, without a callback: it would be the first of all, and keep the task for the loop's next turn.

    Who makes tasks himself may count on neither. That the task is gone tells that it ended.
    """
    try:
        _note(task, coroutine)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault(_CREATION, error)


def _note(task: object, coroutine: object) -> bool:
    """Whether it is a task; of an eager one that is over the end is noted too."""
    if not task_names.is_task(task):
        tasks.created(None, coroutine)
        return False
    tasks.created(task, coroutine, _programs(coroutine))
    acquire_release.note_task(task, coroutine)
    if asyncio.Task.done(task):
        _ended(task)
    return True


def _programs(coroutine: object) -> object:
    """The coroutine that the program gave to ``uvloop.run``, which puts it into one of its own."""
    frame = getattr(coroutine, "cr_frame", None) if task_names.is_coroutine(coroutine) else None
    if (
        frame is None
        or frame.f_code.co_name != "wrapper"
        or object_access.exact(frame.f_globals.get("__name__")) != "uvloop"
    ):
        return coroutine
    return frame.f_locals.get("main", coroutine)


def _ended(task: AnyTask) -> None:
    """The task's done callback. Nothing here marks an exception as retrieved: asyncio is to complain as ever."""
    try:
        is_cancelled = asyncio.Task.cancelled(task)
        error = asyncio.CancelledError() if is_cancelled else object_access.attribute(task, "_exception")
        tasks.finished(task, cast("BaseException | None", error))
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("noting the end of a task", error)
