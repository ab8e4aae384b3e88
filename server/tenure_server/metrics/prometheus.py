"""OpenTelemetry's metrics in Prometheus' text format, by the rules that OpenTelemetry has for it.

https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/: ``_`` for what a name may not have,
the unit at its end, a sum that goes up and down is a gauge. Points of a traced process have ``service_name`` and
``service_instance_id``, since one page tells of many; the collector's own have neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
from prometheus_client.utils import floatToGoString

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_TOLD = ("service.name", "service.instance.id")
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
            families = _families(self._data, self._own)
            self._data = MetricsData([])
        registry = CollectorRegistry()
        registry.register(_Families(families))
        return generate_latest(registry)

    def _receive_metrics(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,  # noqa: ARG002 -- the SDK's signature
        **_: object,
    ) -> None:
        self._data = self._join(metrics_data)

    def shutdown(self, timeout_millis: float = 30_000, **_: object) -> None:
        """Nothing is kept open."""


class _Families(Collector):
    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        return self._families


def _families(data: MetricsData, own: str) -> Iterable[Family]:
    """The points of all processes under one heading for each metric."""
    found: dict[str, Family] = {}
    for group in data.resource_metrics:
        told = {_name(key): str(group.resource.attributes.get(key, "")) for key in _TOLD}
        labels = {} if told[_name(_TOLD[1])] == own else told
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                name = _name(metric.name) + _UNITS.get(metric.unit or "", "")
                if name not in found:
                    found[name] = Family(name, metric.description or "", _kind(metric))
                _add(found[name], metric, labels)
    return found.values()


def _kind(metric: Metric) -> str:
    if isinstance(metric.data, Histogram):
        return "histogram"
    return "counter" if isinstance(metric.data, Sum) and metric.data.is_monotonic else "gauge"


def _add(family: Family, metric: Metric, labels: Mapping[str, str]) -> None:
    for point in metric.data.data_points:
        mine = {**labels, **{_name(key): _text(value) for key, value in (point.attributes or {}).items()}}
        if isinstance(point, HistogramDataPoint):
            bounds = [*map(floatToGoString, point.explicit_bounds), "+Inf"]
            for bound, reached in zip(bounds, accumulate(point.bucket_counts), strict=True):
                family.add_sample(f"{family.name}_bucket", {**mine, "le": bound}, reached)
            family.add_sample(f"{family.name}_count", mine, point.count)
            family.add_sample(f"{family.name}_sum", mine, point.sum)
        elif isinstance(point, NumberDataPoint):
            family.add_sample(family.name + ("_total" if family.type == "counter" else ""), mine, point.value)


def _name(name: str) -> str:
    return name.replace(".", "_")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
