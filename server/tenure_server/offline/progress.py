"""Reports how far long work has come."""

from __future__ import annotations

import time
from collections.abc import Callable

_PATIENCE_S, _REPORT_S = 8.0, 5.0  # until the first report, and between two


class Progress:
    """Says "drawing the page: 120 of 305 subjects", but nothing about work that is soon done."""

    def __init__(self, say: Callable[[str], None], action: str, unit: str) -> None:
        self._say = say
        self._action = action
        self._unit = unit
        self._next_s = time.monotonic() + _PATIENCE_S

    def __call__(self, done: int, total: int) -> None:
        """``done`` of ``total`` units are done."""
        if done < total and time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + _REPORT_S
            self._say(f"{self._action}: {done} of {total} {self._unit}")
