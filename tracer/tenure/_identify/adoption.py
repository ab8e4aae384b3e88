"""Tasks that run on behalf of another task or thread than the one that made them."""

from __future__ import annotations

from tenure._core import buffer
from tenure._identify import task_names, tracer
from tenure._identify.task_table import Adopted
from tenure._identify.tasks import find, known


def adopt(task: object) -> None:
    """Note that a task runs on behalf of the running task or thread from now on."""
    entry = known(task) if task_names.is_task(task) else None
    if entry is not None:
        buffer.put(Adopted(entry.id, find(), tracer.current.clock()))


def set_parent(caller: int) -> None:
    """Make this task or thread, which waits for the running task, its parent, unless its creator is known."""
    entry = tracer.current.tasks.by_id.get(find())
    if entry is not None and entry.kind == "task" and not entry.parent and entry.id != caller:
        entry.parent, entry.created_ns = caller, entry.created_ns or tracer.current.clock()
