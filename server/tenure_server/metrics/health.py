"""The collector's own metrics: observable instruments of OpenTelemetry's SDK, which read the latest snapshot.

Counters begin with the collector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from tenure_server.export.status import Exporter
from tenure_server.metrics.snapshot import Snapshot

_Now = Callable[[], Snapshot | None]
_Read = Callable[[Snapshot], Iterable[Observation]]


def observe(meter: Meter, now: _Now) -> None:
    """Make the instruments. ``now`` gives the snapshot that they read."""

    def reading(read: _Read) -> Sequence[Callable[[CallbackOptions], Iterable[Observation]]]:
        def observations(_: CallbackOptions) -> Iterable[Observation]:
            snapshot = now()
            return () if snapshot is None else read(snapshot)

        return [observations]

    for name, unit, description, read in _COUNTERS:
        meter.create_observable_counter(name, reading(read), unit, description)
    for name, unit, description, read in _NUMBERS:
        meter.create_observable_up_down_counter(name, reading(read), unit, description)
    for name, unit, description, read in _GAUGES:
        meter.create_observable_gauge(name, reading(read), unit, description)


def _one(value: Callable[[Snapshot], int]) -> _Read:
    return lambda snapshot: [Observation(value(snapshot))]


def _each(value: Callable[[Exporter], float]) -> _Read:
    return lambda snapshot: [Observation(value(one), {"exporter": one.url}) for one in snapshot.exporters]


def _refused(snapshot: Snapshot) -> Iterator[Observation]:
    for reason, count in snapshot.refused.items():
        yield Observation(count, {"reason": reason})


def _dropped(snapshot: Snapshot) -> Iterator[Observation]:
    for reason, count in snapshot.totals.dropped.items():
        yield Observation(count, {"reason": reason})


def _lost(snapshot: Snapshot) -> Iterator[Observation]:
    for one in snapshot.exporters:
        for reason, count in (("rejected", one.rejected), ("refused", one.refused), ("expired", one.expired)):
            yield Observation(count, {"exporter": one.url, "reason": reason})


_Described = tuple[str, str, str, _Read]
_COUNTERS: tuple[_Described, ...] = (
    ("tenure.batches", "{batch}", "Batches stored.", _one(lambda it: it.totals.batches)),
    (
        "tenure.batches.repeated",
        "{batch}",
        "Batches received again after they were stored.",
        _one(lambda it: it.totals.repeated),
    ),
    ("tenure.lifecycles", "{lifecycle}", "Lifecycles stored.", _one(lambda it: it.totals.lifecycles)),
    ("tenure.refused", "{request}", "Requests that were refused.", _refused),
    ("tenure.dropped", "{lifecycle}", "Lifecycles that tracers dropped.", _dropped),
    ("tenure.exported", "{lifecycle}", "Lifecycles that the backend accepted.", _each(lambda one: one.exported)),
    ("tenure.export.lost", "{lifecycle}", "Lifecycles that will never reach the backend.", _lost),
    (
        "tenure.export.retries",
        "{request}",
        "Export requests that failed and are retried.",
        _each(lambda one: one.retries),
    ),
)
_NUMBERS: tuple[_Described, ...] = (
    (
        "tenure.queued.batches",
        "{batch}",
        "Batches that are waiting to be written.",
        _one(lambda it: it.totals.queued_batches),
    ),
    (
        "tenure.queued.lifecycles",
        "{lifecycle}",
        "Lifecycles that are waiting to be written.",
        _one(lambda it: it.totals.queued_rows),
    ),
    ("tenure.processes.alive", "{process}", "Processes that are alive.", _one(lambda it: it.processes)),
    (
        "tenure.export.waiting",
        "{lifecycle}",
        "Lifecycles that are waiting to be exported.",
        _each(lambda one: one.waiting),
    ),
    ("tenure.live.clients", "{client}", "Live pages that are open.", _one(lambda it: it.clients)),
)
_GAUGES: tuple[_Described, ...] = (
    (
        "tenure.export.lag",
        "s",
        "How long the oldest lifecycle has been waiting to be exported.",
        _each(lambda one: one.lag_s),
    ),
)
