"""OpenTelemetry's own exporter of metrics over gRPC; imported only where a target asks for it."""

from __future__ import annotations

from grpc import Compression
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import MetricExporter

from tenure_server.export.targets import Target

LOGGER = "opentelemetry.exporter.otlp.proto.grpc.exporter"


def exporter_to(target: Target, timeout_s: float, points: int) -> MetricExporter:
    """An exporter to the target, of so many points a request."""
    return OTLPMetricExporter(
        endpoint=f"{'https' if target.is_secure else 'http'}://{target.name.partition('://')[2]}",
        insecure=not target.is_secure,
        headers=dict(target.headers),
        timeout=timeout_s,
        compression=Compression.Gzip,
        max_export_batch_size=points,
        # As over HTTP. The exporter's annotation is narrower than what gRPC takes, which is an integer here.
        channel_options=(("grpc.enable_http_proxy", 0),),  # type: ignore[arg-type]
    )
