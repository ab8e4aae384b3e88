"""Durations counted in buckets.

A *histogram* has fine buckets, each 5 % wider than the one before: its percentiles are exact within 2.5 %. A *spread*
has the few buckets of the metrics, with exact counts and an exact sum.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import ceil, exp, log

import msgspec

from tenure_server.model.records import Percentiles

Histogram = dict[int, int]  # bucket -> count

BUCKETS_PER_E = 1 / log(1.05)
_NS_PER_MS = 1e6
_LONGEST_NS = 1 << 62
_FEW = 12  # up to so many durations, counting one by one is faster

# The boundaries that the semantic conventions recommend for database operations, with shorter ones for the waits of
# locks and longer ones for holds.
BOUNDS_S = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0)
_BOUNDS_NS = tuple(round(seconds * 1e9) for seconds in BOUNDS_S)


class Spread(msgspec.Struct, array_like=True, gc=False):
    """``counts[n]`` counts the durations up to ``BOUNDS_S[n]`` and above the bound before; the last, those above all.

    ``sum_ns`` is the sum of the durations.
    """

    counts: list[int]
    sum_ns: int = 0

    @classmethod
    def empty(cls) -> Spread:
        return cls([0] * (len(BOUNDS_S) + 1))

    @property
    def count(self) -> int:
        return sum(self.counts)

    def add(self, ordered: Sequence[int]) -> None:
        """Count durations (ns, ascending)."""
        counts = self.counts
        if len(ordered) <= _FEW:
            for ns in ordered:
                counts[bisect_left(_BOUNDS_NS, ns)] += 1
        else:
            before = 0
            for index, bound in enumerate(_BOUNDS_NS):
                reached = bisect_right(ordered, bound, before)
                counts[index] += reached - before
                before = reached
            counts[-1] += len(ordered) - before
        self.sum_ns += sum(ordered)

    def __add__(self, other: Spread) -> Spread:
        return Spread([a + b for a, b in zip(self.counts, other.counts, strict=True)], self.sum_ns + other.sum_ns)


def bucket(ns: int) -> int:
    """The bucket of a duration; zero counts as one nanosecond."""
    return int(log(ns or 1) * BUCKETS_PER_E)


_FIRST_NS = [ceil(exp(number / BUCKETS_PER_E)) for number in range(bucket(_LONGEST_NS) + 2)]  # of each bucket


def add(histogram: Histogram, ordered: Sequence[int]) -> None:
    """Count durations (ns, ascending); many of them bucket by bucket."""
    if len(ordered) <= _FEW:
        for ns in ordered:
            number = int(log(ns or 1) * BUCKETS_PER_E)
            histogram[number] = histogram.get(number, 0) + 1
        return
    at = 0
    while at < len(ordered):
        number = bucket(ordered[at])
        after = bisect_left(ordered, _FIRST_NS[number + 1], at + 1)
        histogram[number] = histogram.get(number, 0) + after - at
        at = after


def percentiles(histogram: Histogram) -> Percentiles:
    """p50, p95 and p99 in milliseconds, each the geometric mean of its bucket; None for an empty histogram."""
    total = sum(histogram.values())
    if not total:
        return Percentiles(None, None, None)
    ordered = sorted(histogram.items())
    return Percentiles(*(_quantile(ordered, total, share) for share in (50, 95, 99)))


def _quantile(ordered: list[tuple[int, int]], total: int, percent: int) -> float:
    rank = -(-total * percent // 100)  # of the smallest value that ``percent`` % do not exceed
    reached = ordered[-1][0]
    for index, count in ordered:
        rank -= count
        if rank <= 0:
            reached = index
            break
    return float(f"{exp((reached + 0.5) / BUCKETS_PER_E) / _NS_PER_MS:.4g}")
