"""Tasks that a server made for one request: they have the name of that request, "GET /orders/{id}".

A task of the program's keeps its name, and so does one that the program named. A task that handles several requests one
after another, as those of a connection, gets the name of its coroutine back.
"""

from __future__ import annotations

from types import FrameType

from tenure._core.object_access import attribute
from tenure._core.paths import is_own_frame
from tenure._identify import libraries, task_names, tasks, tracer
from tenure._identify.task_table import Task

_SEVERAL = -1


class _Requests:
    """By id of the task: how many requests it has begun, and the name that it had before."""

    def __init__(self) -> None:
        self.names: dict[int, tuple[int, str]] = {}


def begin(number: int, name: str) -> None:
    """Note that the running task, which has this id, begins a request of this name."""
    task, entry = tasks.running(), tracer.current.tasks.by_id.get(number)
    if task is None or entry is None or tasks.known(task) is not entry:
        return
    names = tracer.current.of(_Requests).names
    known = names.get(number)
    if known is not None:
        names[number] = _SEVERAL, known[1]
        entry.name = known[1]
    elif not task_names.set_by_program(task, entry.coroutine) and _is_servers(task_names.coroutine_of(task), entry):
        if len(names) > len(tracer.current.tasks.by_id):  # of tasks that ended
            for ended in [other for other in names if other not in tracer.current.tasks.by_id]:
                del names[ended]
        names[number] = 1, entry.name
        entry.name = name


def rename(number: int, name: str) -> None:
    """Note that the request of the task with this id has another name now."""
    entry = tracer.current.tasks.by_id.get(number)
    known = tracer.current.of(_Requests).names.get(number)
    if entry is not None and known is not None and known[0] != _SEVERAL:
        entry.name = name


def _is_servers(coroutine: object, entry: Task) -> bool:
    """Whether a library made this task, not the program."""
    if entry.coroutine in tracer.current.tasks.titles:
        return True
    frame = attribute(coroutine, "cr_frame")
    return type(frame) is FrameType and (is_own_frame(frame) or bool(libraries.of_frame(frame)))
