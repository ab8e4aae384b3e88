"""Which task releases, where it is another one than the task that acquired: with a call, an exit stack, a generator."""

from __future__ import annotations

from types import FrameType

from tenure._core import object_access
from tenure._core.paths import ASYNCIO_DIR, is_own_frame
from tenure._identify import libraries, task_names, tasks, tracer


def releaser_of(holder: int) -> int:
    """The id of the running task or thread; 0: it releases for the holder, or there is nothing to tell."""
    table = tracer.current.tasks
    task = tasks.current()
    if not task or task == holder or holder in table.lanes:
        return 0
    entry = table.by_id.get(task)
    if entry is not None and entry.parent == holder and _runs_library_code():
        return 0
    return task


def _runs_library_code() -> bool:
    """Whether the running task was made of a library's coroutine: ``create_task(connection.close())``."""
    running = tasks.running()
    coroutine = None if running is None else task_names.coroutine_of(running)
    frame = object_access.attribute(coroutine, "cr_frame") if task_names.is_coroutine(coroutine) else None
    if not isinstance(frame, FrameType):
        return False
    return is_own_frame(frame) or frame.f_code.co_filename.startswith(ASYNCIO_DIR) or bool(libraries.of_frame(frame))
