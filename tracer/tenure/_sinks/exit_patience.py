"""How long the program may be kept waiting before it ends, all times together."""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST = 2.0  # seconds, of one wait and of many in a row
_SHARE = 0.05  # of the program's time, by which patience comes back


class Patience:
    """Seconds that may be waited: LONGEST at first, less by what was waited, more by 5 % of the time that passes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds, self._measured = LONGEST, clock()

    def left(self) -> float:
        """What may be waited now."""
        now = self._clock()
        self._seconds = min(LONGEST, self._seconds + (now - self._measured) * _SHARE)
        self._measured = now
        return max(0.0, self._seconds)

    def spend(self, seconds: float) -> None:
        """So much was waited."""
        self._seconds -= seconds
