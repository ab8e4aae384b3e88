"""OpenTelemetry's metrics in Prometheus' text format, by OpenTelemetry's rules.

https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/: a character that Prometheus does not
allow becomes ``_``, the unit is at the end of the name, and a sum that is not monotonic is a gauge. Points of a traced
process have ``service_name`` and ``service_instance_id``, because a page has many processes; the collector's own points
have neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from threading import Lock

from opentelemetry.sdk.metrics.export import (
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricReader,
    MetricsData,
    NumberDataPoint,
    Sum,
)
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Metric as Family
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_PROCESS_KEYS = ("service.name", "service.instance.id")
_UNITS = {"s": "_seconds"}  # a unit in braces is an annotation, and is left out


class PrometheusReader(MetricReader):
    """Collects on request, with what ``join`` adds.

    ``own_instance`` is the instance id of the collector, whose points get no labels of a process.
    """

    def __init__(self, own_instance: str, join: Callable[[MetricsData], MetricsData]) -> None:
        super().__init__()
        self._own_instance = own_instance
        self._join = join
        self._lock = Lock()
        self._data = MetricsData([])

    def text(self) -> bytes:
        """All current metrics."""
        with self._lock:
            self.collect()
            data, self._data = self._data, MetricsData([])
        return b"".join(_family_text(name, metrics) for name, metrics in _by_name(data, self._own_instance).items())

    def _receive_metrics(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,  # noqa: ARG002 -- the SDK's signature
        **_: object,
    ) -> None:
        self._data = self._join(metrics_data)

    def shutdown(self, timeout_millis: float = 30_000, **_: object) -> None:
        """Nothing is kept open."""


class _SingleFamily(Collector):
    """A registry's collector with one family."""

    def __init__(self, family: Family) -> None:
        self._family = family

    def collect(self) -> Iterable[Family]:
        return [self._family]


def _by_name(data: MetricsData, own_instance: str) -> dict[str, list[tuple[Metric, dict[str, str]]]]:
    """Each metric of every process, with the labels of the process."""
    families: dict[str, list[tuple[Metric, dict[str, str]]]] = {}
    for group in data.resource_metrics:
        process_labels = {_name(key): str(group.resource.attributes.get(key, "")) for key in _PROCESS_KEYS}
        labels = {} if group.resource.attributes.get(_PROCESS_KEYS[1]) == own_instance else process_labels
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                name = _name(metric.name) + _UNITS.get(metric.unit or "", "")
                families.setdefault(name, []).append((metric, labels))
    return families


def _family_text(name: str, metrics: list[tuple[Metric, dict[str, str]]]) -> bytes:
    """The lines of one metric.

    Its samples are made one by one while they are written. Thousands at once would start the garbage collector, which
    stops every thread.
    """
    first = metrics[0][0]
    family = Family(name, first.description or "", _kind(first))
    family.samples = _samples(name, family.type, metrics)  # type: ignore[assignment]  # an iterator for a list, which is read once
    registry = CollectorRegistry()
    registry.register(_SingleFamily(family))
    return generate_latest(registry)


def _kind(metric: Metric) -> str:
    if isinstance(metric.data, Histogram):
        return "histogram"
    return "counter" if isinstance(metric.data, Sum) and metric.data.is_monotonic else "gauge"


def _samples(name: str, kind: str, metrics: list[tuple[Metric, dict[str, str]]]) -> Iterator[Sample]:
    for metric, labels in metrics:
        for point in metric.data.data_points:
            point_labels = {
                **labels,
                **{_name(key): _label_value(value) for key, value in (point.attributes or {}).items()},
            }
            if isinstance(point, HistogramDataPoint):
                bounds = [*map(floatToGoString, point.explicit_bounds), "+Inf"]
                for bound, cumulative in zip(bounds, accumulate(point.bucket_counts), strict=True):
                    yield Sample(f"{name}_bucket", {**point_labels, "le": bound}, cumulative)
                yield Sample(f"{name}_count", point_labels, point.count)
                yield Sample(f"{name}_sum", point_labels, point.sum)
            elif isinstance(point, NumberDataPoint):
                yield Sample(f"{name}_total" if kind == "counter" else name, point_labels, point.value)


def _name(name: str) -> str:
    return name.replace(".", "_")


def _label_value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
