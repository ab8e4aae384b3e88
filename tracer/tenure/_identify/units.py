"""Units of work beside asyncio's tasks: those that a thread has open, and lanes for what outlives each of them."""

from __future__ import annotations

from tenure._identify import tracer
from tenure._identify.task_table import Task


def holders() -> list[int]:
    """The ids under which the open units of work of the running thread are held, the innermost last."""
    thread_state = tracer.current.tasks.of_thread
    ids: list[int] | None = getattr(thread_state, "units", None)
    if ids is None:
        ids = thread_state.units = []
    return ids


def add_lane(name: str) -> int:
    """Add a thread that does not exist, and return its id: for what is held outside the threads that run."""
    table = tracer.current.tasks
    entry = Task(next(table.numbers), "thread", 0, None)
    entry.name = name
    table.by_id[entry.id] = entry
    table.lanes.add(entry.id)
    return entry.id
