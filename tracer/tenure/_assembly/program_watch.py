"""What the shipping thread sees of the program without recording: what tasks await, and loops that stand still."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import CodeType

from tenure._assembly.await_watch import LOOK_INTERVAL_NS, TASKS_A_LOOK, AwaitWatch, TaskAwait
from tenure._assembly.stall_watch import LoopStall, StallWatch
from tenure._core import bell, faults
from tenure._identify import tracer

IDLE_INTERVAL_S = 2.0  # between two looks at a program in which nothing runs
_LOOK_INTERVAL_S = LOOK_INTERVAL_NS / 1e9
_IDLE_AFTER_NS = 600_000_000  # then each thread was searched for a loop since


class ProgramWatch:
    """Looks at tasks and loops; ``is_own`` says which code is the program's own. After a fault it looks no more."""

    def __init__(self, is_own: Callable[[CodeType], bool]) -> None:
        has_lock = not hasattr(sys, "_is_gil_enabled") or sys._is_gil_enabled()  # noqa: SLF001  # else frames may change
        self._awaits = AwaitWatch(is_own) if has_lock else None
        self._stalls = StallWatch(is_own) if has_lock else None
        self._seen: list[TaskAwait] = []

    def rest(self) -> bell.Rest:
        """How long to wait until the next look."""
        if self._stalls is None:
            return bell.Rest(_LOOK_INTERVAL_S, _LOOK_INTERVAL_S)
        clocks = self._stalls.idle_clocks()
        if not clocks:
            return bell.SHORT
        if self.is_idle():
            return bell.Rest(IDLE_INTERVAL_S, bell.SLICE_S, clocks)
        return bell.Rest(_LOOK_INTERVAL_S, bell.SLICE_S, clocks)

    def is_idle(self) -> bool:
        """Whether no loop has run anything for so long that each task was looked at twice."""
        if self._stalls is None:
            return False
        looks = 2 * len(tracer.current.tasks.known) // TASKS_A_LOOK
        return time.perf_counter_ns() - self._stalls.active_ns > _IDLE_AFTER_NS + looks * LOOK_INTERVAL_NS

    def look(self, quiet_ns: int, due_ns: int, *, at_tasks: bool) -> None:
        """Look now; not ``at_tasks``: only at loops.

        The caller waited until ``due_ns`` or longer, and up to ``quiet_ns`` no clock of ``rest`` went on.
        """
        now_ns = time.perf_counter_ns()
        try:
            if self._stalls is not None:
                self._stalls.look(now_ns, now_ns - due_ns, quiet_ns)
        except Exception as error:  # noqa: BLE001  # the rest is recorded all the same
            self._stalls = None
            faults.fault("looking for event loops that stand still", error)
        try:
            if self._awaits is not None and at_tasks:
                self._seen += self._awaits.look(now_ns)
        except Exception as error:  # noqa: BLE001  # as above
            self._awaits = None
            faults.fault("looking at what tasks await", error)

    def take(self) -> tuple[list[TaskAwait], list[LoopStall]]:
        """What was seen since the last call."""
        seen, self._seen = self._seen, []
        return seen, [] if self._stalls is None else self._stalls.take()
