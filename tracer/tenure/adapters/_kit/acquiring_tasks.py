"""Tasks that do nothing but acquire, on behalf of the task that made them."""

from __future__ import annotations

import asyncio
import sys

from tenure._core.paths import code_file
from tenure._identify import task_names, task_origins, tasks, tracer, wrapped_calls
from tenure.adapters._kit.pure_acquire_release import AcquiringTasks

_TASKS = code_file(asyncio.tasks)


def note_task(task: object, coroutine: object) -> None:
    """Called where a task is made: keep who made it if it does nothing but acquire."""
    frame = sys._getframe(1)  # noqa: SLF001  # no other way to the caller
    task_origins.note(task, coroutine, frame)
    place = task_origins.of(task) if _only_acquires(wrapped_calls.awaitable_of(coroutine)) else None
    if place is not None and not _is_callback():
        maker = tasks.current(), place.site(), task_origins.library_of_maker(frame)
        tracer.current.of(AcquiringTasks).made_by.put(task, maker)


def _is_callback() -> bool:
    """Whether a callback of the loop makes this task, for another thread mostly: then it acquires for itself."""
    return tasks.running() is None and asyncio._get_running_loop() is not None  # noqa: SLF001  # the other one raises


def _only_acquires(coroutine: object) -> bool:
    if not task_names.is_coroutine(coroutine):
        return False
    code = getattr(coroutine, "cr_code", None) or getattr(coroutine, "gi_code", None)
    return code in tracer.current.of(AcquiringTasks).codes or (
        code is not None and code.co_filename == _TASKS and code.co_name == "_wrap_awaitable"
    )


def maker_of_eager() -> int | None:
    """Who makes the running task now, if that does nothing but acquire."""
    creating = tracer.current.tasks.creating
    task = tasks.running() if creating else None
    coroutine = None if task is None else task_names.coroutine_of(task)
    maker = creating.get(id(coroutine)) if task is not None else None
    return maker[0] or None if maker is not None and _only_acquires(coroutine) else None
