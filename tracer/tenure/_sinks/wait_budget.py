"""The total time for which Tenure may make the program wait before it ends."""

from __future__ import annotations

import time
from collections.abc import Callable

MAX_WAIT_S = 2.0  # of one wait, and of several waits in a row
_REFILL_RATE = 0.05  # the budget grows by this part of the time that passes


class WaitBudget:
    """A budget of seconds: MAX_WAIT_S at first, reduced by each wait, refilled by 5 % of the time that passes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds, self._measured = MAX_WAIT_S, clock()

    def remaining(self) -> float:
        """Return the seconds that a wait may take now."""
        now = self._clock()
        self._seconds = min(MAX_WAIT_S, self._seconds + (now - self._measured) * _REFILL_RATE)
        self._measured = now
        return max(0.0, self._seconds)

    def spend(self, seconds: float) -> None:
        """Subtract the seconds of a wait."""
        self._seconds -= seconds
