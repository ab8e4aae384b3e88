"""What the shipping thread sees of the program without recording: what tasks await, and loops that stand still."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import CodeType

from tenure._assembly.await_watch import AwaitWatch, TaskAwait
from tenure._assembly.stall_watch import LoopStall, StallWatch
from tenure._core import faults


class ProgramWatch:
    """Looks at tasks and loops; ``is_own`` says which code is the program's own. After a fault it looks no more."""

    def __init__(self, is_own: Callable[[CodeType], bool]) -> None:
        has_lock = not hasattr(sys, "_is_gil_enabled") or sys._is_gil_enabled()  # noqa: SLF001  # else frames may change
        self._awaits = AwaitWatch(is_own) if has_lock else None
        self._stalls = StallWatch(is_own) if has_lock else None
        self._seen: list[TaskAwait] = []

    def look(self, due_ns: int, *, at_tasks: bool) -> None:
        """Look now; the caller asked to wake at ``due_ns``. Not ``at_tasks``: only at loops."""
        now_ns = time.perf_counter_ns()
        try:
            if self._stalls is not None:
                self._stalls.look(now_ns, now_ns - due_ns)
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
