"""How far a process's clock is from the collector's.

What a batch tells of has just happened, or it waited on its way: so the collector's clock less the latest instant of
the batch is what the process's clock is behind, and that wait. The least of the last minute or two is nearest to the
clock alone, and after so long a clock that was set right is seen to be right.
"""

from __future__ import annotations

WINDOW_NS = 60_000_000_000


class ProcessClock:
    """What is known of one process's clock."""

    __slots__ = ("_before_ns", "_began_ns", "_least_ns", "skew_ns")

    def __init__(self, skew_ns: int) -> None:
        self.skew_ns = skew_ns  # to be added to its instants to get the collector's
        self._began_ns = 0  # the window
        self._least_ns = 0  # of the window
        self._before_ns = 0  # of the window before

    def note(self, latest_ns: int, now_ns: int) -> None:
        """A batch came now whose latest instant, by the process's clock, was this."""
        behind_ns = now_ns - latest_ns
        age_ns = now_ns - self._began_ns
        if 0 <= age_ns < WINDOW_NS:
            self._least_ns = min(self._least_ns, behind_ns)
        else:
            self._before_ns = self._least_ns if 0 <= age_ns < 2 * WINDOW_NS else behind_ns
            self._began_ns, self._least_ns = now_ns, behind_ns
        self.skew_ns = min(self._least_ns, self._before_ns)
