"""OpenTelemetry's exporter of metrics over gRPC; imported only when a target needs it."""

from __future__ import annotations

from grpc import Compression
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import MetricExporter

from tenure_server.export.targets import Target

LOGGER = "opentelemetry.exporter.otlp.proto.grpc.exporter"


def exporter_to(target: Target, timeout_s: float, points: int) -> MetricExporter:
    """An exporter to the target, with at most this number of points in a request."""
    return OTLPMetricExporter(
        endpoint=f"{'https' if target.is_secure else 'http'}://{target.name.partition('://')[2]}",
        insecure=not target.is_secure,
        headers=dict(target.headers),
        timeout=timeout_s,
        compression=Compression.Gzip,
        max_export_batch_size=points,
        # As over HTTP, which uses no proxy. The annotation has no integers, which gRPC needs here.
        channel_options=(("grpc.enable_http_proxy", 0),),  # type: ignore[arg-type]
    )
