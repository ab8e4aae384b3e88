"""Where the program made a task that runs no function of the program: ``gather(pool.fetch(query))``.

The stack of such a task has only frames of libraries. What it acquires is recorded at the line that made the task,
which is noted while it is still on the stack. A task that such a task makes has the same line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from types import FrameType
from typing import cast

from tenure._core import probe_backend
from tenure._identify import frame_kinds, task_names, tasks, tracer, variables, wrapped_calls
from tenure._identify.installed_code import FrameKind
from tenure._identify.sites import Place

if probe_backend.SERVES:
    from tenure import _probe

_OVERRIDING = "create_task"  # a method of the program's own loop or group, which makes the task for its caller
_MOST_SENT = 1_000
_MOST_ITEMS = 100  # of a list of coroutines that is searched
_COMPREHENSIONS = frozenset({"<listcomp>", "<genexpr>", "<setcomp>", "<dictcomp>"})  # have a frame; lists until 3.11


class _Sent:
    """The coroutines that were sent to the loop of another thread, which has not made their tasks yet."""

    def __init__(self) -> None:
        self.by_address: dict[int, tuple[type, Place]] = {}


def note(task: object, coroutine: object, frame: FrameType) -> None:
    """Keep the line that makes this task, where its coroutine is none of the program's functions.

    ``frame`` is the frame that makes the task, or a frame of Tenure's or asyncio's that it called.
    """
    if _is_programs(coroutine):
        return
    place = _sender(coroutine) or _maker(frame, coroutine)
    entry = tracer.current.tasks.known.get(id(task))
    if place is not None and entry is not None:
        entry[0].origin = place


def send(coroutine: object, frame: FrameType) -> None:
    """Keep the line that sends a coroutine to the loop of another thread, which makes the task."""
    place = None if _is_programs(coroutine) else _maker(frame, coroutine)
    if place is not None:
        sent = tracer.current.of(_Sent).by_address
        if len(sent) >= _MOST_SENT:
            sent.clear()
        sent[id(coroutine)] = type(coroutine), place


def _sender(coroutine: object) -> Place | None:
    """Who sent a coroutine here. The task is made by a callback of the loop, outside any task."""
    sent = tracer.current.of(_Sent).by_address
    if not sent or tasks.running() is not None:
        return None
    kind, place = sent.pop(id(coroutine), (None, None))
    return place if kind is type(coroutine) else None


def of(task: object) -> Place | None:
    """The line that made this task."""
    entry = tracer.current.tasks.known.get(id(task))
    return None if entry is None else entry[0].origin


def of_running() -> Place | None:
    """The line that made the running task; None where the task runs a function of the program, or outside any task."""
    entry = tracer.current.tasks.by_id.get(tasks.current())
    return None if entry is None else entry.origin


def callers(frame: FrameType) -> Iterator[tuple[FrameType, str]]:
    """A frame and its callers within the running task, each with the known library that it belongs to, else "".

    They end with the task's outermost frame, or before it where that only runs what the maker of the task gave to it.
    While an eager task is made, its maker's frames follow.
    """
    return ((caller, kind.package) for caller, kind in _callers(frame))


def _callers(frame: FrameType) -> Iterator[tuple[FrameType, FrameKind]]:
    task = tasks.running()
    coroutine = None if task is None else task_names.coroutine_of(task)
    last = None if id(coroutine) in tracer.current.tasks.creating else _frame(coroutine)
    for caller, kind in frame_kinds.stack(frame):
        if kind.is_outermost:
            return
        yield caller, kind
        if caller is last:
            return


def _frame(coroutine: object) -> FrameType | None:
    if not task_names.is_coroutine(coroutine):
        return None
    frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
    return cast("FrameType | None", frame)


def _is_programs(coroutine: object) -> bool:
    """Whether this is a coroutine of a function of the program, which is then on the stack of the task.

    What stands for the coroutine of a patched method is recorded from outside, whoever's function that is.
    """
    if not task_names.is_coroutine(coroutine) or (probe_backend.SERVES and type(coroutine) is _probe.Driver):
        return False
    frame = _frame(coroutine)
    kind = None if frame is None else frame_kinds.of(frame)
    return kind is None or not (kind.is_between or kind.package)


def library_of_maker(frame: FrameType) -> str:
    """The known library whose code makes a task in this frame, or in a frame that called it; "": none."""
    for _, kind in _callers(frame):
        if kind.package or not kind.is_between:
            return kind.package
    return ""


def _maker(frame: FrameType, coroutine: object) -> Place | None:
    """The line of the program that makes the task, else the one that made its maker, else a line of installed code.

    A function that was given the coroutine makes the task for its caller, which made the coroutine.
    """
    nearest, installed = None, None
    is_callback = tasks.running() is None and asyncio._get_running_loop() is not None  # noqa: SLF001  # never raises
    for caller, kind in _callers(frame):
        if is_callback and kind.runs_loop:  # uvloop has no frame between: who runs the loop makes no task here
            break
        if kind.package or kind.is_between or kind.code.co_name == _OVERRIDING:
            continue
        if kind.is_installed:
            installed = installed or Place(caller.f_code, caller.f_lasti)
            continue
        place = Place(caller.f_code, caller.f_lasti)
        nearest = nearest if caller.f_code.co_name in _COMPREHENSIONS and nearest is not None else place
        if not _was_given(caller, coroutine):
            break
    return nearest or of_running() or installed


def _was_given(frame: FrameType, coroutine: object) -> bool:
    """Whether this frame got the coroutine from its caller: as an argument, or in a list that is one."""
    code = frame.f_code
    names = code.co_varnames if code.co_name in _COMPREHENSIONS else variables.parameters(code)
    if not names:
        return False
    local = variables.local(frame)
    values = [value for name in names if (value := local.get(name)) is not None]
    if not values:
        return False
    awaitables = coroutine, wrapped_calls.awaitable_of(coroutine)
    return any(_has(value, awaitables) for value in values)


def _has(value: object, awaitables: tuple[object, object]) -> bool:
    itself, inner = awaitables
    if type(value) in {list, tuple, set}:
        items = cast("Collection[object]", value)
        return len(items) <= _MOST_ITEMS and any(item is itself or item is inner for item in items)
    return value is itself or value is inner
