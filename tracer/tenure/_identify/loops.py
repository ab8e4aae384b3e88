"""Event loops by number, and the loop and the thread of each task."""

from __future__ import annotations

from tenure._core import object_access
from tenure._identify import event_loops, task_names
from tenure._identify.task_table import Task


def loop_id(loop: object) -> int:
    """The number of an event loop in this process, from 1 in the order in which tasks of them were seen; 0: no loop."""
    return 0 if loop is None else event_loops.known().number(loop)


def note_home(entry: Task, task: object, loop: object = None) -> None:
    """Note where a task runs; called in its thread. ``loop``: of a task that is not asyncio's."""
    entry.thread = task_names.of_thread()
    entry.loop = loop_id(object_access.attribute(task, "_loop") if task_names.is_task(task) else loop)
