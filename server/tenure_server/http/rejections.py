"""Counts the refused requests, by reason, for the metrics."""

from __future__ import annotations

from collections import Counter


class Refusals:
    """``reasons`` counts from the collector's start."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()

    def count(self, reason: str) -> None:
        self.reasons[reason] += 1
