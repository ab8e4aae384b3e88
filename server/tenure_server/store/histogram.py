"""Durations counted in buckets, each a twentieth wider than the one before: percentiles within 2.5 %."""

from __future__ import annotations

from math import exp, log

from tenure_server.records import Percentiles

Histogram = dict[int, int]  # bucket -> count

BUCKETS_PER_E = 1 / log(1.05)
_NS_PER_MS = 1e6


def bucket(ns: int) -> int:
    """The bucket of a duration; zero counts as one nanosecond."""
    return int(log(ns or 1) * BUCKETS_PER_E)


def percentiles(histogram: Histogram) -> Percentiles:
    """p50, p95 and p99 in milliseconds, each the geometric middle of its bucket; None where nothing was counted."""
    total = sum(histogram.values())
    if not total:
        return Percentiles(None, None, None)
    ordered = sorted(histogram.items())
    return Percentiles(*(_quantile(ordered, total, share) for share in (50, 95, 99)))


def _quantile(ordered: list[tuple[int, int]], total: int, percent: int) -> float:
    rank = -(-total * percent // 100)  # the smallest value that so many percent do not pass
    reached = ordered[-1][0]
    for index, count in ordered:
        rank -= count
        if rank <= 0:
            reached = index
            break
    return float(f"{exp((reached + 0.5) / BUCKETS_PER_E) / _NS_PER_MS:.4g}")
