"""OpenTelemetry's metrics in Prometheus' text format, by the rules that OpenTelemetry has for it.

https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/: ``_`` for what a name may not have,
the unit at its end, a sum that goes up and down is a gauge. Points of a traced process have ``service_name`` and
``service_instance_id``, since one page tells of many; the collector's own have neither.
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

_WHOSE = ("service.name", "service.instance.id")
_UNITS = {"s": "_seconds"}  # those in braces are annotations, and are left out


class PrometheusReader(MetricReader):
    """Collects when it is asked, with what ``join`` adds.

    ``own`` is the instance id of the Resource whose points need not say whose they are.
    """

    def __init__(self, own: str, join: Callable[[MetricsData], MetricsData]) -> None:
        super().__init__()
        self._own = own
        self._join = join
        self._lock = Lock()
        self._data = MetricsData([])

    def text(self) -> bytes:
        """All metrics as they are now."""
        with self._lock:
            self.collect()
            data, self._data = self._data, MetricsData([])
        return b"".join(_text_of(name, some) for name, some in _by_name(data, self._own).items())

    def _receive_metrics(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,  # noqa: ARG002 -- the SDK's signature
        **_: object,
    ) -> None:
        self._data = self._join(metrics_data)

    def shutdown(self, timeout_millis: float = 30_000, **_: object) -> None:
        """Nothing is kept open."""


class _One(Collector):
    """One family, registered to be written."""

    def __init__(self, family: Family) -> None:
        self._family = family

    def collect(self) -> Iterable[Family]:
        return [self._family]


def _by_name(data: MetricsData, own: str) -> dict[str, list[tuple[Metric, dict[str, str]]]]:
    """Each metric of every process, with the labels that say whose it is."""
    found: dict[str, list[tuple[Metric, dict[str, str]]]] = {}
    for group in data.resource_metrics:
        whose = {_name(key): str(group.resource.attributes.get(key, "")) for key in _WHOSE}
        labels = {} if group.resource.attributes.get(_WHOSE[1]) == own else whose
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                name = _name(metric.name) + _UNITS.get(metric.unit or "", "")
                found.setdefault(name, []).append((metric, labels))
    return found


def _text_of(name: str, metrics: list[tuple[Metric, dict[str, str]]]) -> bytes:
    """The lines of one metric.

    Its samples are made one by one while they are written: thousands at once would set off the garbage collector, for
    whose time the whole collector would stand still.
    """
    first = metrics[0][0]
    family = Family(name, first.description or "", _kind(first))
    family.samples = _samples(name, family.type, metrics)  # type: ignore[assignment]  # a list, which is only read
    registry = CollectorRegistry()
    registry.register(_One(family))
    return generate_latest(registry)


def _kind(metric: Metric) -> str:
    if isinstance(metric.data, Histogram):
        return "histogram"
    return "counter" if isinstance(metric.data, Sum) and metric.data.is_monotonic else "gauge"


def _samples(name: str, kind: str, metrics: list[tuple[Metric, dict[str, str]]]) -> Iterator[Sample]:
    for metric, labels in metrics:
        for point in metric.data.data_points:
            mine = {**labels, **{_name(key): _text(value) for key, value in (point.attributes or {}).items()}}
            if isinstance(point, HistogramDataPoint):
                bounds = [*map(floatToGoString, point.explicit_bounds), "+Inf"]
                for bound, reached in zip(bounds, accumulate(point.bucket_counts), strict=True):
                    yield Sample(f"{name}_bucket", {**mine, "le": bound}, reached)
                yield Sample(f"{name}_count", mine, point.count)
                yield Sample(f"{name}_sum", mine, point.sum)
            elif isinstance(point, NumberDataPoint):
                yield Sample(f"{name}_total" if kind == "counter" else name, mine, point.value)


def _name(name: str) -> str:
    return name.replace(".", "_")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
