"""GET /metrics: the collector itself and the resources of living processes, in Prometheus' text format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import accumulate

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from tenure_server import measuring
from tenure_server.api.routes import Route
from tenure_server.context import EXPORTERS, FEED, REFUSALS, STORE
from tenure_server.export.status import Exporter
from tenure_server.limits import MAX_MEASURED
from tenure_server.measuring import metrics
from tenure_server.records import Process
from tenure_server.store import Paging, Store

_PAGE = 1_000


class _Snapshot(Collector):
    """Metrics that were gathered already."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


async def get_metrics(request: web.Request) -> web.Response:
    store = request.app[STORE]
    totals = store.totals()
    processes = await _all_processes(store)
    dropped: Counter[str] = Counter()
    for process in processes:
        dropped.update(process.dropped)
    registry = CollectorRegistry()
    registry.register(
        _Snapshot(
            [
                _counter("batches", "Batches stored.", totals.batches),
                _counter("batches_repeated", "Batches that had been stored before.", totals.repeated),
                _counter("lifecycles", "Lifecycles stored.", totals.lifecycles),
                _labelled(
                    CounterMetricFamily("tenure_refused", "Requests turned away.", labels=["reason"]),
                    request.app[REFUSALS].reasons,
                ),
                _labelled(
                    CounterMetricFamily("tenure_dropped", "Lifecycles that tracers lost.", labels=["reason"]), dropped
                ),
                _gauge("queued_batches", "Batches that wait for the store's writer.", totals.queued_batches),
                _gauge("queued_lifecycles", "Lifecycles that wait for the store's writer.", totals.queued_rows),
                _gauge("processes_alive", "Processes that ship now.", sum(process.alive for process in processes)),
                *_exporters(await request.app[EXPORTERS].status()),
                _gauge("live_clients", "Pages that watch.", request.app[FEED].clients),
                *_of_resources(metrics(await store.measures(MAX_MEASURED))),
            ]
        )
    )
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


async def _all_processes(store: Store) -> list[Process]:
    processes: list[Process] = []
    cursor: str | None = None
    while True:
        listing = await store.processes(Paging(_PAGE, cursor))
        processes += listing.items
        cursor = listing.cursor
        if cursor is None:
            return processes


def _of_resources(found: list[measuring.Metric]) -> Iterable[Metric]:
    """By the names that OpenTelemetry's metrics have in Prometheus; the process is told by two labels."""
    for metric in found:
        attributes = list(metric.points[0].attributes)
        unit = "_seconds" if metric.unit == "s" else ""
        name = _prometheus(metric.name) + unit
        labels = ["service_name", "service_instance_id", *map(_prometheus, attributes)]
        spreads = HistogramMetricFamily(name, metric.description, labels=labels)
        numbers = (CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily)(
            name, metric.description, labels=labels
        )
        for point in metric.points:
            values = [point.process.service, point.process.id, *(point.attributes[name] for name in attributes)]
            match point.value:
                case measuring.Spread(counts, sum_s):
                    bounds = [*map(floatToGoString, measuring.BOUNDS_S), "+Inf"]
                    spreads.add_metric(values, list(zip(bounds, accumulate(counts), strict=True)), sum_s)
                case int(number):
                    numbers.add_metric(values, number)
        yield spreads if metric.kind == "histogram" else numbers


def _prometheus(name: str) -> str:
    return name.replace(".", "_")


def _exporters(exporters: list[Exporter]) -> list[Metric]:
    exported = CounterMetricFamily("tenure_exported", "Lifecycles that a backend took.", labels=["exporter"])
    lost = CounterMetricFamily("tenure_export_lost", "Lifecycles that it did not get.", labels=["exporter", "reason"])
    retries = CounterMetricFamily("tenure_export_retries", "Attempts that failed.", labels=["exporter"])
    waiting = GaugeMetricFamily("tenure_export_waiting", "Lifecycles that it has not got yet.", labels=["exporter"])
    lag = GaugeMetricFamily("tenure_export_lag_seconds", "Since when the first of them waits.", labels=["exporter"])
    for exporter in exporters:
        exported.add_metric([exporter.url], exporter.exported)
        for reason in ("rejected", "refused", "expired"):
            lost.add_metric([exporter.url, reason], getattr(exporter, reason))
        retries.add_metric([exporter.url], exporter.retries)
        waiting.add_metric([exporter.url], exporter.waiting)
        lag.add_metric([exporter.url], exporter.lag_s)
    return [exported, lost, retries, waiting, lag] if exporters else []


def _counter(name: str, help_text: str, value: int) -> Metric:
    return CounterMetricFamily(f"tenure_{name}", help_text, value=value)


def _gauge(name: str, help_text: str, value: int) -> Metric:
    return GaugeMetricFamily(f"tenure_{name}", help_text, value=value)


def _labelled(family: CounterMetricFamily, values: Counter[str]) -> Metric:
    for label, value in sorted(values.items()):
        family.add_metric([label], value)
    return family


ROUTES = [
    Route(
        "GET",
        "/metrics",
        get_metrics,
        "The collector's own metrics and those of resources, as Prometheus scrapes them.",
        answers={"text/plain": None},
    )
]
