"""Reports the connections of pools in the batches of one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure import wire
from tenure._core import faults
from tenure._identify import tracer
from tenure._identify.pool_stats import PoolStats, WatchedPool

if TYPE_CHECKING:
    from tenure._assembly.tables import Tables


_GONE = PoolStats(0)


class PoolReporter:
    """Puts the pools into one process's batches."""

    def __init__(self) -> None:
        self._last_reported: dict[int, PoolStats] = {}

    def pools(self, tables: Tables) -> list[wire.Pool]:
        """Those that the batch's rows used, and those that have changed since they were reported."""
        registry, rows = tracer.current.pools, list[wire.Pool]()
        for number, pool in list(registry.watched.items()):
            if len(rows) == wire.MAX_POOLS:  # the next batch has the others
                break
            subject = pool.reference()
            figures = _GONE if subject is None else _read(pool, subject)
            if figures is None:
                registry.watched.pop(number, None)
                continue
            durations = [] if subject is None else registry.take_created(subject)
            if (
                durations
                or figures != self._last_reported.get(number)
                or subject is None
                or tables.has_resource(number)
            ):
                place = tables.resource(number, pool.resource)
                rows.append(wire.Pool(place, *figures, durations, subject is None))
                self._last_reported[number] = figures
            if subject is None:
                registry.watched.pop(number, None)
                self._last_reported.pop(number, None)
        return rows


def _read(pool: WatchedPool, subject: object) -> PoolStats | None:
    try:
        return pool.read(subject)
    except Exception as error:  # noqa: BLE001  # this version of the library differs
        faults.fault("reading how many connections of a {} are idle", error, kind=type(subject))
        return None
