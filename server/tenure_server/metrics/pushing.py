"""Metrics to an OpenTelemetry backend, by OpenTelemetry's own exporters: protobuf, gzipped, over HTTP or gRPC."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import cast

import requests
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData

from tenure_server.export.targets import Target

log = logging.getLogger("tenure.server")

_POINTS = 5_000  # of one request
_TIMEOUT_S = 10.0
_reasons: ContextVar[list[str]] = ContextVar("_reasons")


class Pusher(MetricExporter):
    """The SDK's exporter to one target, with what ``join`` adds; its failures are said once, until a push succeeds."""

    def __init__(self, target: Target, join: Callable[[MetricsData], MetricsData]) -> None:
        super().__init__()
        self._target = target
        self._join = join
        self._exporter = _over_grpc(target) if target.is_grpc else _over_http(target)
        self._is_failing = False

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: object) -> MetricExportResult:
        """Send them; a failure is made good by the next push, since all metrics are cumulative."""
        reasons: list[str] = []
        token = _reasons.set(reasons)
        try:
            result = self._exporter.export(self._join(metrics_data), timeout_millis)
        finally:
            _reasons.reset(token)
        has_failed = result is not MetricExportResult.SUCCESS
        if has_failed and not self._is_failing:
            what = "; ".join(reasons) or "unknown reason"
            log.warning("exporter %s did not accept metrics, which are sent again: %s", self._target.name, what)
        self._is_failing = has_failed
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **_: object) -> None:
        self._is_failing = True  # what is still under way has nobody to be told of
        self._exporter.shutdown(timeout_millis)


class _Listener(logging.Handler):
    """Keeps what the SDK's exporter logs of a push, once a minute while a backend is away, for its pusher to say."""

    def emit(self, record: logging.LogRecord) -> None:
        reasons = _reasons.get(None)
        if reasons is None:
            log.handle(record)
        elif record.levelno >= logging.ERROR:
            reasons.append(record.getMessage())


def _over_http(target: Target) -> MetricExporter:
    _listen_to(OTLPMetricExporter.__module__)
    session = requests.Session()
    session.max_redirects = 0  # headers may hold a key, which is for this address only
    return OTLPMetricExporter(
        endpoint=target.url,
        headers=dict(target.headers),
        timeout=_TIMEOUT_S,
        compression=Compression.Gzip,
        session=session,
        max_export_batch_size=_POINTS,
    )


def _over_grpc(target: Target) -> MetricExporter:
    """It is an extra: whoever sends spans to the target has found out whether it is installed."""
    module = importlib.import_module("tenure_server.metrics.grpc")
    _listen_to(module.LOGGER)
    return cast("MetricExporter", module.exporter_to(target, _TIMEOUT_S, _POINTS))


def _listen_to(name: str) -> None:
    exporters = logging.getLogger(name)
    if not any(isinstance(handler, _Listener) for handler in exporters.handlers):
        exporters.addHandler(_Listener())
        exporters.propagate = False
