"""Event loops by number, and the loop and the thread of each task."""

from __future__ import annotations

import weakref

from tenure._core import object_access
from tenure._identify import task_names, tracer
from tenure._identify.task_table import Task


def loop_id(loop: object) -> int:
    """The number of an event loop in this process, from 1 in the order in which tasks of them were seen; 0: no loop."""
    if loop is None:
        return 0
    table = tracer.current.tasks
    known = table.loop_ids.get(id(loop))
    if known is not None and (known[1] is None or known[1]() is loop):
        return known[0]
    number = next(table.loop_numbers)
    try:
        reference = weakref.ref(loop)
    except TypeError:
        reference = None
    table.loop_ids[id(loop)] = number, reference
    return number


def note_home(entry: Task, task: object, loop: object = None) -> None:
    """Note where a task runs; called in its thread. ``loop``: of a task that is not asyncio's."""
    entry.thread = task_names.of_thread()
    entry.loop = loop_id(object_access.attribute(task, "_loop") if task_names.is_task(task) else loop)
