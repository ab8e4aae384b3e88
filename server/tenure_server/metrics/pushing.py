"""Pushes metrics to an OpenTelemetry backend with OpenTelemetry's exporters: gzipped protobuf over HTTP or gRPC."""

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

_POINTS = 5_000  # in one request
_TIMEOUT_S = 10.0
_reasons: ContextVar[list[str]] = ContextVar("_reasons")


class Pusher(MetricExporter):
    """The SDK's exporter to one target, with what ``join`` adds; logs the first failure after each success."""

    def __init__(self, target: Target, join: Callable[[MetricsData], MetricsData]) -> None:
        super().__init__()
        self._target = target
        self._join = join
        self._exporter = _over_grpc(target) if target.is_grpc else _over_http(target)
        self._is_failing = False

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: object) -> MetricExportResult:
        """Send the metrics; after a failure the next push makes up for it, since all metrics are cumulative."""
        reasons: list[str] = []
        token = _reasons.set(reasons)
        try:
            result = self._exporter.export(self._join(metrics_data), timeout_millis)
        finally:
            _reasons.reset(token)
        has_failed = result is not MetricExportResult.SUCCESS
        if has_failed and not self._is_failing:
            reason = "; ".join(reasons) or "unknown reason"
            log.warning("exporter %s did not accept metrics, which are sent again: %s", self._target.name, reason)
        self._is_failing = has_failed
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **_: object) -> None:
        self._is_failing = True  # no log entry for a push that is stopped
        self._exporter.shutdown(timeout_millis)


class _ErrorCapture(logging.Handler):
    """Keeps the errors that the SDK's exporter logs during a push, so that the pusher can log them itself."""

    def emit(self, record: logging.LogRecord) -> None:
        reasons = _reasons.get(None)
        if reasons is None:
            log.handle(record)
        elif record.levelno >= logging.ERROR:
            reasons.append(record.getMessage())


def _over_http(target: Target) -> MetricExporter:
    _capture_errors(OTLPMetricExporter.__module__)
    session = requests.Session()
    session.max_redirects = 0  # headers may have a key that only this address may get
    return OTLPMetricExporter(
        endpoint=target.url,
        headers=dict(target.headers),
        timeout=_TIMEOUT_S,
        compression=Compression.Gzip,
        session=session,
        max_export_batch_size=_POINTS,
    )


def _over_grpc(target: Target) -> MetricExporter:
    """GRPC is an extra; the sender of spans to the same target has checked that it is installed."""
    module = importlib.import_module("tenure_server.metrics.grpc")
    _capture_errors(module.LOGGER)
    return cast("MetricExporter", module.exporter_to(target, _TIMEOUT_S, _POINTS))


def _capture_errors(name: str) -> None:
    exporters = logging.getLogger(name)
    if not any(isinstance(handler, _ErrorCapture) for handler in exporters.handlers):
        exporters.addHandler(_ErrorCapture())
        exporters.propagate = False
