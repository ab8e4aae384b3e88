"""Estimates how far a process's clock is from the collector's.

The latest instant of a batch is just before the batch was sent. So the collector's clock minus that instant is the
skew of the process's clock plus the delay of the batch. The least of these differences in the last one to two minutes
has the least delay. After that time the estimate follows a clock that was corrected.
"""

from __future__ import annotations

WINDOW_NS = 60_000_000_000


class ProcessClock:
    """The skew of one process's clock."""

    __slots__ = ("_before_ns", "_began_ns", "_least_ns", "skew_ns")

    def __init__(self, skew_ns: int) -> None:
        self.skew_ns = skew_ns  # added to an instant of the process, it gives that of the collector
        self._began_ns = 0  # begin of the current window
        self._least_ns = 0  # the least difference of the current window
        self._before_ns = 0  # that of the window before

    def note(self, latest_ns: int, now_ns: int) -> None:
        """A batch arrived now; ``latest_ns`` is its latest instant, by the process's clock."""
        behind_ns = now_ns - latest_ns
        age_ns = now_ns - self._began_ns
        if 0 <= age_ns < WINDOW_NS:
            self._least_ns = min(self._least_ns, behind_ns)
        else:
            self._before_ns = self._least_ns if 0 <= age_ns < 2 * WINDOW_NS else behind_ns
            self._began_ns, self._least_ns = now_ns, behind_ns
        self.skew_ns = min(self._least_ns, self._before_ns)
