"""The collector's own metrics: observable instruments of OpenTelemetry's SDK, which read the latest snapshot.

Counters start at 0 when the collector starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from tenure_server.export.status import Exporter
from tenure_server.metrics.snapshot import Snapshot

_Latest = Callable[[], Snapshot | None]
_Read = Callable[[Snapshot], Iterable[Observation]]


def observe(meter: Meter, latest: _Latest) -> None:
    """Make the instruments. ``latest`` returns the snapshot that they read."""

    def callbacks(read: _Read) -> Sequence[Callable[[CallbackOptions], Iterable[Observation]]]:
        def observations(_: CallbackOptions) -> Iterable[Observation]:
            snapshot = latest()
            return () if snapshot is None else read(snapshot)

        return [observations]

    for name, unit, description, read in _COUNTERS:
        meter.create_observable_counter(name, callbacks(read), unit, description)
    for name, unit, description, read in _NUMBERS:
        meter.create_observable_up_down_counter(name, callbacks(read), unit, description)
    for name, unit, description, read in _GAUGES:
        meter.create_observable_gauge(name, callbacks(read), unit, description)


def _of_collector(value: Callable[[Snapshot], int]) -> _Read:
    return lambda snapshot: [Observation(value(snapshot))]


def _of_exporters(value: Callable[[Exporter], float]) -> _Read:
    return lambda snapshot: [
        Observation(value(exporter), {"exporter": exporter.url}) for exporter in snapshot.exporters
    ]


def _refused(snapshot: Snapshot) -> Iterator[Observation]:
    for reason, count in snapshot.refused.items():
        yield Observation(count, {"reason": reason})


def _dropped(snapshot: Snapshot) -> Iterator[Observation]:
    for reason, count in snapshot.totals.dropped.items():
        yield Observation(count, {"reason": reason})


def _lost(snapshot: Snapshot) -> Iterator[Observation]:
    for exporter in snapshot.exporters:
        for reason, count in (
            ("rejected", exporter.rejected),
            ("refused", exporter.refused),
            ("expired", exporter.expired),
        ):
            yield Observation(count, {"exporter": exporter.url, "reason": reason})


_Instrument = tuple[str, str, str, _Read]
_COUNTERS: tuple[_Instrument, ...] = (
    ("tenure.batches", "{batch}", "Batches stored.", _of_collector(lambda snapshot: snapshot.totals.batches)),
    (
        "tenure.batches.repeated",
        "{batch}",
        "Batches received again after they were stored.",
        _of_collector(lambda snapshot: snapshot.totals.repeated),
    ),
    (
        "tenure.lifecycles",
        "{lifecycle}",
        "Lifecycles stored.",
        _of_collector(lambda snapshot: snapshot.totals.lifecycles),
    ),
    ("tenure.refused", "{request}", "Requests that were refused.", _refused),
    ("tenure.dropped", "{lifecycle}", "Lifecycles that tracers dropped.", _dropped),
    (
        "tenure.exported",
        "{lifecycle}",
        "Lifecycles that the backend accepted.",
        _of_exporters(lambda exporter: exporter.exported),
    ),
    ("tenure.export.lost", "{lifecycle}", "Lifecycles that will never reach the backend.", _lost),
    (
        "tenure.export.retries",
        "{request}",
        "Export requests that failed and are retried.",
        _of_exporters(lambda exporter: exporter.retries),
    ),
)
_NUMBERS: tuple[_Instrument, ...] = (
    (
        "tenure.queued.batches",
        "{batch}",
        "Batches that are waiting to be written.",
        _of_collector(lambda snapshot: snapshot.totals.queued_batches),
    ),
    (
        "tenure.queued.lifecycles",
        "{lifecycle}",
        "Lifecycles that are waiting to be written.",
        _of_collector(lambda snapshot: snapshot.totals.queued_rows),
    ),
    (
        "tenure.processes.alive",
        "{process}",
        "Processes that are alive.",
        _of_collector(lambda snapshot: snapshot.processes),
    ),
    (
        "tenure.export.waiting",
        "{lifecycle}",
        "Lifecycles that are waiting to be exported.",
        _of_exporters(lambda exporter: exporter.waiting),
    ),
    ("tenure.live.clients", "{client}", "Live pages that are open.", _of_collector(lambda snapshot: snapshot.clients)),
)
_GAUGES: tuple[_Instrument, ...] = (
    (
        "tenure.export.lag",
        "s",
        "How long the oldest lifecycle has been waiting to be exported.",
        _of_exporters(lambda exporter: exporter.lag_s),
    ),
)
