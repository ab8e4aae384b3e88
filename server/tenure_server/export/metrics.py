"""Pushes the metrics of resources to one backend, now and then, as the bytes of an ExportMetricsServiceRequest.

They are cumulative: a push that failed is made good by the next one. They do not go through the instruments of
OpenTelemetry's SDK, which can count durations but not take over what the store has counted already.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter

from tenure_server.errors import StoreError
from tenure_server.export import meaning
from tenure_server.export.protobuf import FIXED_64, VARINT, attributes, message, tag, text, varint
from tenure_server.export.sender import Accepted, Later, Refused, Sender
from tenure_server.limits import EXPORT_METRICS_S, MAX_MEASURED
from tenure_server.measuring import BOUNDS_S, Metric, Point, Spread, metrics
from tenure_server.records import Process
from tenure_server.store import Store

log = logging.getLogger("tenure.server")

# Fields of opentelemetry.proto.metrics.v1: ResourceMetrics, ScopeMetrics, Metric, Sum and Histogram, their points.
_RESOURCE, _SCOPE_METRICS = 1, 2
_SCOPE, _METRICS = 1, 2
_NAME, _DESCRIPTION, _UNIT, _SUM, _HISTOGRAM = 1, 2, 3, 7, 9
_POINTS, _TEMPORALITY, _IS_MONOTONIC = 1, 2, 3
_START, _TIME, _COUNT, _TOTAL, _BUCKETS, _BOUNDS, _AS_INT = 2, 3, 4, 5, 6, 7, 6
_NUMBER_ATTRIBUTES, _HISTOGRAM_ATTRIBUTES = 7, 9
_CUMULATIVE = 2

_NUMBER = struct.Struct("<q")
_DOUBLE = struct.Struct("<d")


def encode_metrics(found: Iterable[Metric], now_ns: int) -> bytes:
    """Each process is a resource of its own."""
    processes: dict[str, Process] = {}
    by_process: dict[str, list[tuple[Metric, list[Point]]]] = {}
    for metric in found:
        points: dict[str, list[Point]] = {}
        for point in metric.points:
            processes[point.process.id] = point.process
            points.setdefault(point.process.id, []).append(point)
        for process, some in points.items():
            by_process.setdefault(process, []).append((metric, some))
    scope = message(_SCOPE, text(1, meaning.SCOPE) + text(2, meaning.VERSION))
    return b"".join(
        message(
            1,
            message(_RESOURCE, attributes(1, meaning.process_attributes(processes[process])))
            + message(
                _SCOPE_METRICS,
                scope + b"".join(message(_METRICS, _metric(metric, points, now_ns)) for metric, points in some),
            ),
        )
        for process, some in by_process.items()
    )


def _metric(metric: Metric, points: list[Point], now_ns: int) -> bytes:
    head = text(_NAME, metric.name) + text(_DESCRIPTION, metric.description) + text(_UNIT, metric.unit)
    content = b"".join(message(_POINTS, _point(point, now_ns)) for point in points)
    content += tag(_TEMPORALITY, VARINT) + varint(_CUMULATIVE)
    if metric.kind == "histogram":
        return head + message(_HISTOGRAM, content)
    if metric.kind == "counter":
        content += tag(_IS_MONOTONIC, VARINT) + varint(1)
    return head + message(_SUM, content)


def _point(point: Point, now_ns: int) -> bytes:
    times = tag(_START, FIXED_64) + _NUMBER.pack(point.process.started_ns) + tag(_TIME, FIXED_64) + _NUMBER.pack(now_ns)
    match point.value:
        case Spread(counts, sum_s):
            return (
                times
                + tag(_COUNT, FIXED_64)
                + _NUMBER.pack(sum(counts))
                + tag(_TOTAL, FIXED_64)
                + _DOUBLE.pack(sum_s)
                + message(_BUCKETS, struct.pack(f"<{len(counts)}Q", *counts))
                + message(_BOUNDS, struct.pack(f"<{len(BOUNDS_S)}d", *BOUNDS_S))
                + attributes(_HISTOGRAM_ATTRIBUTES, _values(point.attributes))
            )
        case int(number):
            return (
                times
                + tag(_AS_INT, FIXED_64)
                + _NUMBER.pack(number)
                + attributes(_NUMBER_ATTRIBUTES, _values(point.attributes))
            )


def _values(given: Mapping[str, str]) -> meaning.Attributes:
    return dict(sorted(given.items(), key=itemgetter(0)))


class MetricsPusher:
    """One backend's share of the metrics."""

    def __init__(
        self, store: Store, sender: Sender, clock: Callable[[], int], interval_s: float = EXPORT_METRICS_S
    ) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock
        self._interval_s = interval_s

    async def run(self) -> None:
        """Push until it is cancelled, or the backend says that it takes no metrics."""
        try:
            while True:
                if not await self._push():
                    return
                await asyncio.sleep(self._interval_s)
        finally:
            await self._sender.close()

    async def _push(self) -> bool:
        try:
            found = metrics(await self._store.measures(MAX_MEASURED))
        except StoreError as error:
            log.warning("metrics could not be read: %s", error)
            return True
        if not found:
            return True
        answer = await self._sender.send(encode_metrics(found, self._clock()))
        match answer:
            case Refused(_, what):
                log.warning("exporter %s takes no metrics, they are not sent to it: %s", self._sender.target.name, what)
                return False
            case Later(what, _):
                log.info("exporter %s did not take metrics: %s", self._sender.target.name, what)
            case Accepted():
                pass
        return True
