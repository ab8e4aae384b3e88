"""Columns from left to right: which slot a participant stands on, and the x of each slot."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import cached_property

from tenure_server.diagram.svg import sizes


class Slots:
    """Each participant stands right of those before it, but a task that has ended frees its slot for a later task."""

    def __init__(self) -> None:
        self._count = 0
        self._free: set[int] = set()

    def next(self) -> int:
        """The next slot on the right."""
        self._count += 1
        return self._count - 1

    def right_of(self, creator: int) -> int:
        """The leftmost free slot right of the task that creates another, else the next slot."""
        free = [slot for slot in self._free if slot > creator]
        if not free:
            return self.next()
        self._free.remove(min(free))
        return min(free)

    def release(self, slot: int) -> None:
        self._free.add(slot)


class Spacing:
    """Columns stand as close as their heads, stacked activations and labels allow. ``x`` and ``width`` end the fitting.

    A label over several columns, or one too long for its gap, reaches over the lifelines beside it.
    """

    def __init__(self) -> None:
        self._heads: list[float] = []  # by slot: the greatest width
        self._levels: defaultdict[int, int] = defaultdict(int)  # by slot
        self._overhangs: defaultdict[int, float] = defaultdict(float)  # by slot: texts to the right of the lifeline
        self._labels: defaultdict[int, float] = defaultdict(float)  # by slot: labels between it and the next
        self._least_width = 0.0

    def fit_head(self, slot: int, width: float) -> None:
        while len(self._heads) <= slot:
            self._heads.append(0.0)
        self._heads[slot] = max(self._heads[slot], width)

    def fit_level(self, slot: int, level: int) -> None:
        self._levels[slot] = max(self._levels[slot], level)

    def fit_overhang(self, slot: int, width: float) -> None:
        self._overhangs[slot] = max(self._overhangs[slot], width)

    def fit_label(self, slot: int, other: int, width: float) -> None:
        """Neighbours stand at least ``width`` apart, up to the greatest gap that a label may cause."""
        if abs(slot - other) == 1:
            self._labels[min(slot, other)] = max(self._labels[min(slot, other)], width)

    def fit_width(self, width: float) -> None:
        """The picture is at least this wide."""
        self._least_width = max(self._least_width, width)

    def x(self, slot: int) -> float:
        return self._positions[slot]

    @cached_property
    def width(self) -> int:
        """Of the whole picture."""
        right = max(
            (x + max(self._heads[slot] / 2, self._overhangs[slot]) for slot, x in enumerate(self._positions)),
            default=0.0,
        )
        return math.ceil(max(right + sizes.MARGIN, self._least_width))

    @cached_property
    def _positions(self) -> list[float]:
        positions: list[float] = []
        for slot, head in enumerate(self._heads):
            positions.append(positions[-1] + self._gap_after(slot - 1) if positions else sizes.MARGIN + head / 2)
        return positions

    def _gap_after(self, slot: int) -> float:
        heads = (self._heads[slot] + self._heads[slot + 1]) / 2 + sizes.HEAD_GAP
        stack = sizes.ACTIVATION / 2 + self._levels[slot] * sizes.LEVEL
        most = sizes.GAP_MAX if len(self._heads) < sizes.CROWD else sizes.GAP_CROWDED
        return max(sizes.GAP_MIN, heads, stack + sizes.STACK_GAP, min(most, self._labels[slot] + stack))
