"""Tasks that were started by a call from another process.

No record says this of a task. The first lifecycle of the task shows it: if its parent is a lifecycle of another process
in the diagram, the task is drawn as created by that lifecycle. This holds only for a task with a single trace in the
diagram, because a task that serves many requests was created by none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from tenure_server.model.records import Lifecycle, Task


def with_callers(ordered: Sequence[Lifecycle], tasks: Mapping[str, Task]) -> Mapping[str, Task]:
    """The tasks; those that another process called, as created there. ``ordered`` lifecycles: by their acquire."""
    if not any(_has_foreign_parent(lifecycle) for lifecycle in ordered):
        return tasks
    shown = {lifecycle.id: lifecycle for lifecycle in ordered}
    first_uses: dict[str, Lifecycle] = {}
    in_several_traces: set[str] = set()
    for lifecycle in ordered:
        first = first_uses.setdefault(lifecycle.task.id, lifecycle)
        if first.trace != lifecycle.trace:
            in_several_traces.add(lifecycle.task.id)
    callers: dict[str, tuple[Lifecycle, Lifecycle]] = {}  # of a called task: the call, and its own first use
    for task_id, first in first_uses.items():
        caller = shown.get(first.parent or "")
        if (
            task_id in tasks
            and caller is not None
            and caller.process != first.process
            and task_id not in in_several_traces
        ):
            callers[task_id] = caller, first
    adapted = dict(tasks)
    for task_id in _callers_first(callers):
        caller, first = callers[task_id]
        creator = adapted.get(caller.task.id)
        # Clocks may differ. A task is created after the call began and after the task that called was created.
        earliest_ns = 0 if creator is None or creator.created_ns is None else creator.created_ns + 1
        created_ns = max(first.acquire_ns, caller.acquire_ns, earliest_ns)
        adapted[task_id] = replace(tasks[task_id], parent=caller.task.id, created_in=caller.id, created_ns=created_ns)
    return adapted


def _callers_first(callers: Mapping[str, tuple[Lifecycle, Lifecycle]]) -> list[str]:
    """The called tasks, each after the task that called it; tasks that call each other in a cycle are left out."""
    ordered: dict[str, None] = {}
    for task_id in callers:
        chain: dict[str, None] = {}
        while task_id in callers and task_id not in ordered and task_id not in chain:
            chain[task_id] = None
            task_id = callers[task_id][0].task.id  # noqa: PLW2901 -- up to the first caller
        if task_id not in chain:
            ordered.update(dict.fromkeys(reversed(chain)))
    return list(ordered)


def _has_foreign_parent(lifecycle: Lifecycle) -> bool:
    return lifecycle.parent is not None and not lifecycle.parent.startswith(lifecycle.process)
