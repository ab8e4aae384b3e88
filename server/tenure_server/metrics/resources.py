"""What the store has measured of resources, as metrics of OpenTelemetry's SDK; a pure function.

A process is an OpenTelemetry Resource. Resources of one name are one point. The resources past a limit are together the
overflow of their process: one point with the attribute ``otel.metric.overflow``, as for the SDK's own instruments
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

from tenure import semconv
from tenure_server.export.span_mapping import VERSION, process_attributes
from tenure_server.metrics import conventions
from tenure_server.metrics.conventions import Number, Times
from tenure_server.model.labels import resource_label
from tenure_server.model.records import Process
from tenure_server.store import ResourceSeries
from tenure_server.store.histogram import BOUNDS_S, Spread

_Key = tuple[str, ...]  # the name of a pool, or kind and name of a resource; () is the overflow

_CUMULATIVE = AggregationTemporality.CUMULATIVE
_NO_EXTREME: float = None  # type: ignore[assignment]  # the SDK's type says float; its encoder leaves None out
_scope = InstrumentationScope(semconv.SCOPE, VERSION)


def resource_metrics(measured: Iterable[ResourceSeries], now_ns: int, limit: int) -> list[ResourceMetrics]:
    """All metrics that have a point, cumulative since their process began.

    ``measured`` comes in the order of ``Store.resource_series``. At most ``limit`` resources have points of their own;
    the others are in the overflow point of their process.
    """
    metrics_by_process = []
    for _, group in groupby(measured, lambda resource: resource.process.id):
        resources = list(group)
        process = resources[0].process
        pools = _by_key((resource for resource in resources if resource.is_pool), limit)
        limit -= len(pools)
        others = _by_key((resource for resource in resources if not resource.is_pool), limit)
        limit -= len(others)
        points = _ProcessPoints(process, now_ns)
        metrics = [
            *points.metrics(conventions.POOL_TIMES, conventions.POOL_NUMBERS, pools),
            *points.metrics(conventions.OTHER_TIMES, conventions.OTHER_NUMBERS, others),
        ]
        attributes = Resource(process_attributes(process))
        metrics_by_process.append(ResourceMetrics(attributes, [ScopeMetrics(_scope, metrics, "")], ""))
    return metrics_by_process


class _ProcessPoints:
    """Makes the metrics of one process."""

    def __init__(self, process: Process, now_ns: int) -> None:
        self._start_ns = min(process.started_ns, now_ns)
        self._now_ns = now_ns

    def metrics(
        self, times: Iterable[Times], numbers: Iterable[Number], resources: Mapping[_Key, ResourceSeries]
    ) -> Iterator[Metric]:
        """The metrics that have a point."""
        for metric in times:
            durations = [
                self._durations(_attributes(key), spread)
                for key, resource in resources.items()
                if (spread := metric.read(resource)) is not None
            ]
            if durations:
                yield Metric(metric.name, metric.description, "s", Histogram(durations, _CUMULATIVE))
        for name, group in groupby(numbers, lambda number: number.name):
            states = list(group)
            points = [
                NumberDataPoint(attributes, self._start_ns, self._now_ns, value)
                for key, resource in resources.items()
                for attributes, value in _values(key, resource, states)
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
    key: _Key, resource: ResourceSeries, states: list[Number]
) -> Iterator[tuple[Mapping[str, str | bool], int]]:
    """The points of one metric. The overflow has one point, without a state."""
    values = [(state.state, value) for state in states if (value := state.read(resource)) is not None]
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
            return {semconv.RESOURCE_KIND: kind, semconv.RESOURCE_NAME: name}
        case _:
            return {conventions.OVERFLOW: True}


def _by_key(measured: Iterable[ResourceSeries], limit: int) -> dict[_Key, ResourceSeries]:
    """Resources by their key; those with one key together, and those past the limit in the overflow."""
    resources: dict[_Key, ResourceSeries] = {}
    for resource in measured:
        key: _Key = () if resource.is_overflow else _key_of(resource)
        if key not in resources and len(resources) >= limit:
            key = ()
        resources[key] = _merged(resources[key], resource) if key in resources else resource
    return resources


def _key_of(resource: ResourceSeries) -> _Key:
    if resource.is_pool:
        return (resource_label(resource.kind, resource.name, None),)
    return resource.kind, resource.name or semconv.short_kind(resource.kind)


def _merged(first: ResourceSeries, second: ResourceSeries) -> ResourceSeries:
    return ResourceSeries(
        process=first.process,
        kind=first.kind,
        name=first.name,
        is_pool=first.is_pool,
        is_overflow=first.is_overflow or second.is_overflow,
        waits=first.waits + second.waits,
        holds=first.holds + second.holds,
        releases=first.releases + second.releases,
        creates=first.creates + second.creates,
        missed=first.missed + second.missed,
        timeouts=first.timeouts + second.timeouts,
        capacity=_sum_of_bounds(first.capacity, second.capacity),
        waiting=first.waiting + second.waiting,
        open=first.open + second.open,
        idle=second.idle if first.idle is None else first.idle + (second.idle or 0),
        idle_max=_sum_of_bounds(first.idle_max, second.idle_max),
    )


def _sum_of_bounds(first: int | None, second: int | None) -> int | None:
    """None, which is no bound, if one of them is None."""
    return None if first is None or second is None else first + second
