"""Measurements, printed and never asserted: each module has ``rows() -> list[Measure]``, `make bench` prints them."""

from __future__ import annotations

from typing import NamedTuple


class Measure(NamedTuple):
    """One line of the table."""

    name: str
    value: float
    unit: str  # "x bare", "ns", "lifecycles/s", "ms"
    mark: str  # what it should be, "at most 2.3"; "" where nothing is promised
