"""The offset from the monotonic clock to wall time."""

from __future__ import annotations

import time
from collections.abc import Callable

_OFFSET_TOLERANCE_NS = 10_000_000


class WallClockOffset:
    """The offset from the monotonic clock to wall time; it changes only when the clocks differ by more than 10 ms."""

    def __init__(
        self, wall: Callable[[], int] = time.time_ns, monotonic: Callable[[], int] = time.perf_counter_ns
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._offset = self._measure()

    def offset_ns(self) -> int:
        """Return the nanoseconds to add to a monotonic time."""
        now = self._measure()
        if abs(now - self._offset) > _OFFSET_TOLERANCE_NS:
            self._offset = now
        return self._offset

    def _measure(self) -> int:
        return self._wall() - self._monotonic()
