"""One measured value, and what makes values of two machines comparable."""

from __future__ import annotations

import time
from typing import NamedTuple

_NS = {"ns": 1.0, "µs": 1e3, "ms": 1e6, "ms/1,000 lines": 1e6}
_YARDSTICK_ROUNDS = 20


class Figure(NamedTuple):
    """A name that is unique in its benchmark, and a value."""

    name: str
    value: float
    unit: str  # "x bare", "ns", "ms", "lifecycles/s", "bytes"
    bound: str  # "at most 2.3"; "" where nothing is promised

    def ratio(self, yardstick_ns: float) -> float:
        """Times and rates in units of the yardstick. Other values are ratios or sizes already."""
        if self.unit in _NS:
            return self.value * _NS[self.unit] / yardstick_ns
        if self.unit.endswith("/s"):
            return self.value * yardstick_ns / 1e9
        return self.value


def measure_yardstick() -> float:
    """Nanoseconds of processor time of a fixed piece of Python: the lowest of many rounds.

    The value depends on the machine, its present speed and the interpreter. It does not depend on Tenure.
    """
    return min(_fixed_work_ns() for _ in range(_YARDSTICK_ROUNDS))


def _fixed_work_ns() -> float:
    began = time.process_time_ns()
    words: dict[str, int] = {}
    for number in range(20_000):
        key = str(number % 500)
        words[key] = words.get(key, 0) + number
    return time.process_time_ns() - began
