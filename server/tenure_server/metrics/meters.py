"""The collector's metrics, its own and those of resources, at ``/metrics`` and pushed by OTLP.

Its own are instruments of OpenTelemetry's SDK. Those of resources are counted by the store across restarts of the
collector, which no instrument can do. They are added to the SDK's data when a reader collects it. (The specification
calls that a MetricProducer, which the SDK for Python does not have.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

from aiohttp import web
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from tenure import semconv
from tenure_server.export.span_mapping import VERSION
from tenure_server.export.targets import Target, for_metrics
from tenure_server.limits import EXPORT_LAST_S, EXPORT_METRICS_S, MAX_MEASURED
from tenure_server.metrics.health import observe
from tenure_server.metrics.prometheus import PrometheusReader
from tenure_server.metrics.resources import resource_metrics
from tenure_server.metrics.snapshot import Snapshot, Snapshots


class Meters:
    """All metrics of one collector; made in its event loop."""

    def __init__(self, gather: Callable[[], Awaitable[Snapshot]], targets: Sequence[Target]) -> None:
        self._snapshots = Snapshots(gather)
        resource = Resource.create(
            {"service.name": "tenure-server", "service.instance.id": str(uuid4()), "service.version": VERSION}
        )
        self._prometheus = PrometheusReader(str(resource.attributes["service.instance.id"]), self._join)
        self._push_readers = self._make_push_readers(targets) if targets else []
        self._provider = MeterProvider([self._prometheus, *self._push_readers], resource, shutdown_on_exit=False)
        observe(self._provider.get_meter(semconv.SCOPE, VERSION), self._snapshots.now)

    def _make_push_readers(self, targets: Sequence[Target]) -> list[PeriodicExportingMetricReader]:
        from tenure_server.metrics.pushing import Pusher  # noqa: PLC0415 -- its HTTP client is slow to import

        unique = {target.name: target for target in targets}
        pushers = (Pusher(for_metrics(target), self._join) for target in unique.values())
        return [PeriodicExportingMetricReader(pusher, EXPORT_METRICS_S * 1_000) for pusher in pushers]

    async def text(self) -> bytes:
        """The page that Prometheus scrapes.

        Raises:
            StoreFailed: the store cannot be read.
        """
        await self._snapshots.refresh()
        return await asyncio.to_thread(self._prometheus.text)

    async def close(self) -> None:
        """Push once more, for at most EXPORT_LAST_S."""
        ending = (asyncio.to_thread(reader.shutdown, EXPORT_LAST_S * 1_000) for reader in self._push_readers)
        await asyncio.gather(*ending)  # in parallel; the provider would share one time limit
        self._snapshots.close()

    def _join(self, data: MetricsData) -> MetricsData:
        snapshot = self._snapshots.now()
        if snapshot is None:
            return data
        resources = resource_metrics(snapshot.measured, snapshot.at_ns, MAX_MEASURED)
        return MetricsData([*data.resource_metrics, *resources])


METERS: web.AppKey[Meters] = web.AppKey("METERS")
