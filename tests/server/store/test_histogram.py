"""Percentiles from counted buckets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_server.model.records import Percentiles
from tenure_server.store.histogram import bucket, percentiles


def test_nothing_measured_has_no_percentiles() -> None:
    """None is no zero."""
    assert percentiles({}) == Percentiles(None, None, None)


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=300))
def test_each_percentile_is_within_a_fortieth_of_a_duration_that_so_many_do_not_pass(durations: list[int]) -> None:
    """The nearest rank's duration, ordered; the bucket's middle stands for it."""
    histogram: dict[int, int] = {}
    for ns in durations:
        histogram[bucket(ns)] = histogram.get(bucket(ns), 0) + 1

    found = percentiles(histogram)

    ordered = sorted(durations)
    for percent, value in ((50, found.p50), (95, found.p95), (99, found.p99)):
        exact = ordered[-(-len(ordered) * percent // 100) - 1]
        assert value == pytest.approx(exact / 1e6, rel=0.026, abs=2e-6)
