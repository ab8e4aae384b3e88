"""What the store has measured of resources, as metrics of OpenTelemetry's SDK; pure.

A process is an OpenTelemetry Resource. Resources that are called the same are one point; past a limit the rest is a
process's overflow, one point with the attribute ``otel.metric.overflow``, as the SDK's own instruments have it
(https://opentelemetry.io/docs/specs/otel/metrics/sdk/#cardinality-limits).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from tenure_server.export.span_mapping import SCOPE, VERSION, process_attributes
from tenure_server.metrics import conventions
from tenure_server.metrics.conventions import Number, Times
from tenure_server.model.labels import resource_label, short_kind
from tenure_server.model.records import Process
from tenure_server.store import ResourceSeries
from tenure_server.store.histogram import BOUNDS_S, Spread

_Key = tuple[str, ...]  # what a point is called; () is the overflow

_CUMULATIVE = AggregationTemporality.CUMULATIVE
_NO_EXTREME: float = None  # type: ignore[assignment]  # the SDK's type says float; its encoder leaves None out
_scope = InstrumentationScope(SCOPE, VERSION)


def resource_metrics(measured: Iterable[ResourceSeries], now_ns: int, limit: int) -> list[ResourceMetrics]:
    """All metrics that have a point, cumulative since their process began.

    ``measured`` is in the order of ``Store.resource_series``; at most ``limit`` of them, and one overflow a process,
    are told.
    """
    found = []
    for _, of_process in groupby(measured, lambda one: one.process.id):
        everything = list(of_process)
        process = everything[0].process
        pools = _subjects((one for one in everything if one.is_pool), limit)
        limit -= len(pools)
        others = _subjects((one for one in everything if not one.is_pool), limit)
        limit -= len(others)
        at = _Moment(process, now_ns)
        metrics = [
            *at.metrics(conventions.POOL_TIMES, conventions.POOL_NUMBERS, pools),
            *at.metrics(conventions.OTHER_TIMES, conventions.OTHER_NUMBERS, others),
        ]
        attributes = Resource(process_attributes(process))
        found.append(ResourceMetrics(attributes, [ScopeMetrics(_scope, metrics, "")], ""))
    return found


class _Moment:
    """Makes the points of one process."""

    def __init__(self, process: Process, now_ns: int) -> None:
        self._start_ns = min(process.started_ns, now_ns)
        self._now_ns = now_ns

    def metrics(
        self, times: Iterable[Times], numbers: Iterable[Number], subjects: Mapping[_Key, ResourceSeries]
    ) -> Iterator[Metric]:
        """Those that have a point."""
        for one in times:
            durations = [
                self._durations(_attributes(key), spread)
                for key, measured in subjects.items()
                if (spread := one.read(measured)) is not None
            ]
            if durations:
                yield Metric(one.name, one.description, "s", Histogram(durations, _CUMULATIVE))
        for name, some in groupby(numbers, lambda number: number.name):
            states = list(some)
            points = [
                NumberDataPoint(attributes, self._start_ns, self._now_ns, value)
                for key, measured in subjects.items()
                for attributes, value in _values(key, measured, states)
            ]
            if points:
                is_monotonic = states[0].is_monotonic
                yield Metric(name, states[0].description, states[0].unit, Sum(points, _CUMULATIVE, is_monotonic))

    def _durations(self, attributes: Mapping[str, str | bool], spread: Spread) -> HistogramDataPoint:
        return HistogramDataPoint(
            attributes=attributes,
            start_time_unix_nano=self._start_ns,
            time_unix_nano=self._now_ns,
            count=spread.count,
            sum=spread.sum_ns / 1e9,
            bucket_counts=spread.counts,
            explicit_bounds=BOUNDS_S,
            min=_NO_EXTREME,
            max=_NO_EXTREME,
        )


def _values(
    key: _Key, measured: ResourceSeries, states: list[Number]
) -> Iterator[tuple[Mapping[str, str | bool], int]]:
    """The points of one metric; those of the overflow, which has no attribute but one, together."""
    values = [(state.state, value) for state in states if (value := state.read(measured)) is not None]
    if not key:
        if values:
            yield _attributes(key), sum(value for _, value in values)
        return
    for state, value in values:
        yield _attributes(key) | ({conventions.POOL_STATE: state} if state else {}), value


def _attributes(key: _Key) -> dict[str, str | bool]:
    match key:
        case (pool,):
            return {conventions.POOL_NAME: pool}
        case (kind, name):
            return {conventions.KIND: kind, conventions.NAME: name}
        case _:
            return {conventions.OVERFLOW: True}


def _subjects(measured: Iterable[ResourceSeries], room: int) -> dict[_Key, ResourceSeries]:
    """What is told, by what it is called."""
    found: dict[_Key, ResourceSeries] = {}
    for one in measured:
        key: _Key = () if one.is_overflow else _called(one)
        if key not in found and len(found) >= room:
            key = ()
        found[key] = _together(found[key], one) if key in found else one
    return found


def _called(one: ResourceSeries) -> _Key:
    if one.is_pool:
        return (resource_label(one.kind, one.name, None),)
    return one.kind, one.name or short_kind(one.kind)


def _together(one: ResourceSeries, other: ResourceSeries) -> ResourceSeries:
    return ResourceSeries(
        process=one.process,
        kind=one.kind,
        name=one.name,
        is_pool=one.is_pool,
        is_overflow=one.is_overflow or other.is_overflow,
        waits=one.waits + other.waits,
        holds=one.holds + other.holds,
        releases=one.releases + other.releases,
        creates=one.creates + other.creates,
        missed=one.missed + other.missed,
        timeouts=one.timeouts + other.timeouts,
        capacity=_both(one.capacity, other.capacity),
        waiting=one.waiting + other.waiting,
        open=one.open + other.open,
        idle=other.idle if one.idle is None else one.idle + (other.idle or 0),
        idle_max=_both(one.idle_max, other.idle_max),
    )


def _both(one: int | None, other: int | None) -> int | None:
    """A bound of two together: none where one has none."""
    return None if one is None or other is None else one + other
