"""Where a trace goes from one process into another: what a task did there began with a lifecycle here.

No record says so of a task. It is told by the parent of the first thing that the task does: where that is a lifecycle
of another process in the picture, the task is drawn as created by it. So it is only for a task that does nothing in the
picture but for one trace: one that serves many requests began with none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from tenure_server.records import Lifecycle, Task


def with_callers(ordered: Sequence[Lifecycle], tasks: Mapping[str, Task]) -> Mapping[str, Task]:
    """The tasks; those that another process called, as created there. ``ordered``: by their acquire."""
    if not any(_comes_from_elsewhere(lifecycle) for lifecycle in ordered):
        return tasks
    shown = {lifecycle.id: lifecycle for lifecycle in ordered}
    firsts: dict[str, Lifecycle] = {}
    many: set[str] = set()
    for lifecycle in ordered:
        first = firsts.setdefault(lifecycle.task.id, lifecycle)
        if first.trace != lifecycle.trace:
            many.add(lifecycle.task.id)
    adapted = dict(tasks)
    for task_id, first in firsts.items():
        caller = shown.get(first.parent or "")
        task = tasks.get(task_id)
        if task is None or caller is None or caller.process == first.process or task_id in many:
            continue
        created_ns = max(first.acquire_ns, caller.acquire_ns)  # their clocks may differ
        adapted[task_id] = replace(task, parent=caller.task.id, created_in=caller.id, created_ns=created_ns)
    return adapted


def _comes_from_elsewhere(lifecycle: Lifecycle) -> bool:
    return lifecycle.parent is not None and not lifecycle.parent.startswith(lifecycle.process)
