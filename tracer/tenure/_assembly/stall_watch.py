"""When an event loop stands still: one callback runs for over 0.1 s, and no other task has its turn.

The shipping thread looks each time that it wakes, every 25 ms while threads that run loops compute, and for as
long as a step runs. What it sees twice as the same step has run in between. While a long computation in C keeps the
interpreter, this thread gets no turn either. It then knows from its own lateness, and from the processor time of the
loop's thread, that the step has run for so long. What cannot be known (the process was stopped, or the machine slept)
is not counted.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import CodeType, FrameType
from typing import NamedTuple

from tenure._core import bell, object_access
from tenure._identify import event_loops, loop_steps, sites
from tenure._identify.loop_steps import Call, Step
from tenure._identify.task_table import Task

STALL_NS = 100_000_000
REPORT_INTERVAL_NS = 1_000_000_000  # while a stall goes on
MAX_CALLS = 64  # of a stack that are kept
_SEARCH_INTERVAL_NS = 500_000_000  # for threads that run a loop
# Between two looks. Beyond it LEAST_NS count where the process has hardly computed: as a whole it may have stood still,
# as a container does that has used up its share of the processor.
_MAX_GAP_NS = 90_000_000
_MAX_GAP_OF_STALL_NS = 1_000_000_000  # once it is certain that the loop stands still
LEAST_NS = 25_000_000
_MAX_THREADS = 32
_MAX_KEPT = 1_000  # stalls that wait to be shipped


class LoopStall(NamedTuple):
    """A loop that stands still, or did. The same loop and ``begin_ns`` are the same stall."""

    loop: int
    thread: str
    begin_ns: int
    duration_ns: int  # so far
    is_over: bool
    task: Task | None
    site: str  # key of the innermost line of the program's own, "" for none
    calls: list[Call]  # innermost first


class _Watched:
    """A thread that runs a loop, and the step that it was in at the last look."""

    def __init__(self) -> None:
        self.step: Step | None = None
        self.begin_ns = self.lasted_ns = 0  # of the step
        self.looked_ns = 0  # the last look, whatever it saw
        self.clock: int | None = None  # of its processor time; None where the system has none
        self.spent_ns: int | None = None  # processor time by then
        self.told: LoopStall | None = None


class StallWatch:
    """Looks from the shipping thread."""

    def __init__(self, is_own: Callable[[CodeType], bool]) -> None:
        self._is_own = is_own
        self._threads: dict[int, _Watched] = {}
        self._searched_ns = -_SEARCH_INTERVAL_NS
        self._kept: list[LoopStall] = []
        self._process_spent_ns = time.process_time_ns()
        self.active_ns = time.perf_counter_ns()  # when a look last saw that a thread of a loop had computed
        self._slept_ns = 0  # how long this thread asked to sleep, from an instant at which no step ran
        self._process_ns = 0  # processor time of the whole process since the look before

    def take(self) -> list[LoopStall]:
        """What there is to ship since the last call."""
        kept, self._kept = self._kept, []
        return kept

    def idle_clocks(self) -> bell.Clocks:
        """The clock of each thread and what it said, where no loop runs a step; else nothing.

        As long as they say the same, no step has begun.
        """
        if any(watched.step is not None or watched.clock is None for watched in self._threads.values()):
            return ()
        return tuple((watched.clock or 0, watched.spent_ns or 0) for watched in self._threads.values())

    def look(self, now_ns: int, late_ns: int = 0, quiet_ns: int = 0) -> None:
        """See what each loop runs.

        ``late_ns``: how much later than it asked for this thread got its turn. ``quiet_ns``: up to when the
        ``idle_clocks`` stood still.
        """
        for watched in self._threads.values():
            if watched.step is None:
                watched.looked_ns = max(watched.looked_ns, quiet_ns)
        if self._are_idle(now_ns):
            return
        self._slept_ns = now_ns - late_ns - quiet_ns if quiet_ns else 0
        frames = sys._current_frames()  # noqa: SLF001  # there is no other way to another thread's frames
        frames.pop(threading.get_ident(), None)
        if now_ns - self._searched_ns >= _SEARCH_INTERVAL_NS:
            self._searched_ns = now_ns
            self._search(frames)
        spent_by_all_ns = time.process_time_ns()
        self._process_ns, self._process_spent_ns = spent_by_all_ns - self._process_spent_ns, spent_by_all_ns
        for thread, watched in list(self._threads.items()):
            frame = frames.get(thread)
            step = None if frame is None else loop_steps.running(thread, frame)
            if frame is not None and watched.clock is None:
                watched.clock = loop_steps.processor_clock(thread)
            spent_ns = None if frame is None else loop_steps.clock_ns(watched.clock)
            computed_ns = 0 if spent_ns is None or watched.spent_ns is None else spent_ns - watched.spent_ns
            self._note(watched, step, now_ns, late_ns, computed_ns)
            if step is not None or computed_ns or watched.spent_ns is None:
                self.active_ns = now_ns
            if frame is None:
                del self._threads[thread]
            elif step is not None and watched.lasted_ns >= STALL_NS:
                self._tell(thread, watched, frame, step)
            watched.looked_ns, watched.spent_ns = now_ns, spent_ns

    def _are_idle(self, now_ns: int) -> bool:
        """Whether nothing has run since the last look, and it is not time to search again."""
        clocks = self.idle_clocks() if now_ns - self._searched_ns < _SEARCH_INTERVAL_NS else ()
        return bool(clocks) and all(loop_steps.clock_ns(clock) == spent_ns for clock, spent_ns in clocks)

    def _search(self, frames: dict[int, FrameType]) -> None:
        main = threading.main_thread().ident
        is_any = bool(event_loops.known().others())  # which thread runs one is seen only while it runs a task
        for thread, frame in frames.items():
            if thread not in self._threads and (thread == main or is_any or loop_steps.runs_loop(frame)):
                self._threads[thread] = _Watched()
            if len(self._threads) >= _MAX_THREADS:
                break

    def _note(self, watched: _Watched, step: Step | None, now_ns: int, late_ns: int, computed_ns: int) -> None:
        """Note what a thread is in now, and for how long. ``computed_ns``: its processor time since the last look."""
        gap_ns = now_ns - watched.looked_ns
        limit_ns = _MAX_GAP_NS if watched.told is None else _MAX_GAP_OF_STALL_NS
        if watched.step is None:  # the process has done nothing that could use up its share
            limit_ns = max(limit_ns, self._slept_ns + LEAST_NS)
        is_running = gap_ns <= limit_ns or self._process_ns >= gap_ns // 4
        credit_ns = gap_ns if is_running else min(gap_ns, LEAST_NS)
        if step is not None and step == watched.step:
            watched.lasted_ns += credit_ns
            return
        self._end(watched)
        watched.step, watched.lasted_ns = step, 0
        if step is not None and step.turn and watched.looked_ns:
            turn_ns = round(step.turn * 1e9) + time.perf_counter_ns() - time.monotonic_ns()
            is_one_call = late_ns >= STALL_NS and computed_ns >= STALL_NS  # bytecode would have let this thread in
            # A loop may have a clock of its own. The first callback of a turn began with it.
            if watched.looked_ns <= turn_ns <= now_ns and (step.callback == 0 or is_one_call):
                watched.lasted_ns = min(now_ns - turn_ns, credit_ns, late_ns if step.callback else credit_ns)
        watched.begin_ns = now_ns - watched.lasted_ns

    def _tell(self, thread: int, watched: _Watched, frame: FrameType, step: Step) -> None:
        told, duration_ns = watched.told, watched.lasted_ns
        if told is None:
            calls = loop_steps.stack(step, frame)[:MAX_CALLS]
            own = next((call for call in calls if self._is_own(call.code)), None)
            site = "" if own is None else sites.of_instruction(own.code, own.offset)
            told = LoopStall(
                step.loop,
                _name_of(thread),
                watched.begin_ns,
                duration_ns,
                is_over=False,
                task=loop_steps.task_of(step),
                site=site,
                calls=calls,
            )
        elif duration_ns - told.duration_ns < REPORT_INTERVAL_NS:
            return
        watched.told = told._replace(duration_ns=duration_ns)
        self._keep(watched.told)

    def _end(self, watched: _Watched) -> None:
        if watched.told is not None:
            self._keep(watched.told._replace(duration_ns=watched.lasted_ns, is_over=True))
            watched.told = None

    def _keep(self, stall: LoopStall) -> None:
        if len(self._kept) < _MAX_KEPT:
            self._kept.append(stall)


def _name_of(thread: int) -> str:
    named = threading._active.get(thread)  # type: ignore[attr-defined]  # noqa: SLF001
    return object_access.exact(object_access.attribute(named, "_name")) or f"thread-{thread}"
