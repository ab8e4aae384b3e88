"""Where a trace goes from one process into another: what a task did there began with a lifecycle here.

No record says so of a task. It is told by the parent of the first thing that the task does: where that is a lifecycle
of another process in the picture, the task is drawn as created by it. So it is only for a task that does nothing in the
picture but for one trace: one that serves many requests began with none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from tenure_server.model.records import Lifecycle, Task


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
    calls: dict[str, tuple[Lifecycle, Lifecycle]] = {}  # of a called task: the call, and the first that it did
    for task_id, first in firsts.items():
        caller = shown.get(first.parent or "")
        if task_id in tasks and caller is not None and caller.process != first.process and task_id not in many:
            calls[task_id] = caller, first
    adapted = dict(tasks)
    for task_id in _callers_first(calls):
        caller, first = calls[task_id]
        creator = adapted.get(caller.task.id)
        # Their clocks may differ: nothing is created before the call, nor before the task that called.
        begun_ns = 0 if creator is None or creator.created_ns is None else creator.created_ns + 1
        created_ns = max(first.acquire_ns, caller.acquire_ns, begun_ns)
        adapted[task_id] = replace(tasks[task_id], parent=caller.task.id, created_in=caller.id, created_ns=created_ns)
    return adapted


def _callers_first(calls: Mapping[str, tuple[Lifecycle, Lifecycle]]) -> list[str]:
    """The called tasks, each after the one that called it; those that would have called each other are left out."""
    ordered: dict[str, None] = {}
    for task_id in calls:
        chain: dict[str, None] = {}
        while task_id in calls and task_id not in ordered and task_id not in chain:
            chain[task_id] = None
            task_id = calls[task_id][0].task.id  # noqa: PLW2901 -- up to whoever called first
        if task_id not in chain:
            ordered.update(dict.fromkeys(reversed(chain)))
    return list(ordered)


def _comes_from_elsewhere(lifecycle: Lifecycle) -> bool:
    return lifecycle.parent is not None and not lifecycle.parent.startswith(lifecycle.process)
