"""What the event loop of a thread runs at this instant, read from the thread's frames by another thread.

asyncio's loop calls ``_run_once`` for each turn. There ``end_time`` is when it came back from its selector, and ``i``
counts the callbacks that it has begun since. So the same two mean the same callback, however short its steps are. No
frame and no object of the program is kept.

Another loop (uvloop) has no such frame. There the task that runs is looked for in the thread's frames. It is the same
step only while the thread has spent no processor time at all: it has executed nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from types import CodeType, CoroutineType, FrameType
from typing import NamedTuple

from tenure._core import object_access, probe_backend
from tenure._core.paths import ASYNCIO_DIR, is_own_frame
from tenure._identify import event_loops, tasks
from tenure._identify.task_table import Task

if probe_backend.SERVES:
    from tenure import _probe

    _variable: Callable[[FrameType, str], object] = _probe.frame_local
else:

    def _variable(frame: FrameType, name: str) -> object:
        return frame.f_locals.get(name)


_TURN: CodeType = asyncio.BaseEventLoop._run_once.__code__  # type: ignore[attr-defined]  # noqa: SLF001
_MAX_FRAMES = 2_000


class Step(NamedTuple):
    """A callback that a loop is running. Two that are equal are the same."""

    loop: int
    turn: float  # the loop's own time at which the turn began; 0: not known
    callback: int  # which one it is in its turn; of another loop, the processor time that the thread has spent


class Call(NamedTuple):
    """One call of a stack."""

    code: CodeType
    offset: int
    line: int


def running(thread: int, frame: FrameType) -> Step | None:
    """What the loop of this thread runs, None where it waits, or the thread runs no loop that is known."""
    turn = next((caller for caller in _callers(frame) if caller.f_code is _TURN), None)
    if turn is None:
        return _step_of_another(thread, frame)
    end_time, callback = _variable(turn, "end_time"), _variable(turn, "i")
    if type(end_time) is not float or type(callback) is not int:
        return None
    return Step(event_loops.known().number(_variable(turn, "self")), end_time, callback)


def runs_loop(frame: FrameType) -> bool:
    """Whether asyncio's own loop runs in the thread of this frame."""
    return any(caller.f_code is _TURN for caller in _callers(frame))


def stack(step: Step, frame: FrameType) -> list[Call]:
    """The calls of the step that runs, innermost first, without the loop's own and Tenure's."""
    outermost = None if step.turn else _coroutine_frame(event_loops.known().loop(step.loop))
    calls: list[FrameType] = []
    for caller in _callers(frame):
        if caller.f_code is _TURN:
            break
        calls.append(caller)
        if caller is outermost:
            break
    while calls and step.turn and calls[-1].f_code.co_filename.startswith(ASYNCIO_DIR):
        calls.pop()
    return [Call(call.f_code, call.f_lasti, call.f_lineno or 0) for call in calls if not is_own_frame(call)]


def task_of(step: Step) -> Task | None:
    """The task that runs in the step; None where it is a plain callback."""
    loop = event_loops.known().loop(step.loop)
    return None if loop is None else tasks.known(asyncio.current_task(loop))


def processor_clock(thread: int) -> int | None:
    """The clock of the processor time of a running thread; None where the system has none."""
    try:
        return time.pthread_getcpuclockid(thread)
    except (AttributeError, OSError):
        return None


def clock_ns(clock: int | None) -> int | None:
    """What such a clock says; None where it is of no thread any more."""
    try:
        return None if clock is None else time.clock_gettime_ns(clock)
    except OSError:
        return None


def processor_ns(thread: int) -> int | None:
    """The processor time that a running thread has spent; None where the system does not say it."""
    return clock_ns(processor_clock(thread))


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    for _ in range(_MAX_FRAMES):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def _step_of_another(thread: int, frame: FrameType) -> Step | None:
    loops = event_loops.known()
    for loop in loops.others():
        outermost = _coroutine_frame(loop)
        if outermost is not None and any(caller is outermost for caller in _callers(frame)):
            spent = processor_ns(thread)
            return None if spent is None else Step(loops.number(loop), 0.0, spent)
    return None


def _coroutine_frame(loop: asyncio.AbstractEventLoop | None) -> FrameType | None:
    """The frame of the coroutine that this loop's running task is."""
    coroutine = None if loop is None else object_access.attribute(asyncio.current_task(loop), "_coro")
    return coroutine.cr_frame if type(coroutine) is CoroutineType else None
