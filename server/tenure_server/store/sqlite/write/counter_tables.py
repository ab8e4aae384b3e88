"""Adds the deltas of a transaction to the stored counts of resources, traces, tasks and processes."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict

import msgspec

from tenure_server.store.histogram import Histogram, add, bucket
from tenure_server.store.sqlite.file import keys, time_order
from tenure_server.store.sqlite.file.time_order import NEIGHBOURS_NS
from tenure_server.store.sqlite.write.counter_deltas import FAILED, CounterDeltas, ResourceDelta, TraceDelta

_MAX_KNOWN = 20_000
_TRACE = (
    "INSERT INTO traces (key, otel_id, start_ns, end_ns, lifecycles, open, errors, order_ns, internal, internal_errors)"
    " VALUES (?, (SELECT otel_trace_id FROM roots WHERE key = ?), ?, nullif(?, -1), ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET start_ns = min(start_ns, excluded.start_ns),"
    " end_ns = max(coalesce(end_ns, excluded.end_ns), coalesce(excluded.end_ns, end_ns)),"
    " lifecycles = lifecycles + excluded.lifecycles, open = open + excluded.open,"
    " errors = errors + excluded.errors, internal = internal + excluded.internal,"
    " internal_errors = internal_errors + excluded.internal_errors"
)


class _ResourceCounts:
    """The stored counts of one resource."""

    __slots__ = ("failed", "holds", "total", "used_ns", "waits")

    def __init__(self, total: int, failed: int, waits: Histogram, holds: Histogram, used_ns: int) -> None:
        self.total = total
        self.failed = failed
        self.waits = waits
        self.holds = holds
        self.used_ns = used_ns

    def add(self, change: ResourceDelta) -> None:
        self.total += change.total
        self.failed += change.failed
        self.used_ns = max(self.used_ns, change.used_ns)
        add(self.waits, change.waits)
        add(self.holds, change.holds)
        for sign, row in change.moved:
            self.total += sign
            self.failed += sign * FAILED[row.outcomes]
            for histogram, duration in ((self.waits, row.wait_ns), (self.holds, row.hold_ns)):
                if duration is not None:
                    number = bucket(duration)
                    histogram[number] = histogram.get(number, 0) + sign


class CounterTables:
    """Writes deltas into the tables; caches the counts of resources."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._resources: OrderedDict[int, _ResourceCounts] = OrderedDict()

    def forget(self) -> None:
        self._resources.clear()

    def write(self, deltas: CounterDeltas) -> None:
        """Add the changes, and sort their durations."""
        execute = self._connection.executemany
        execute(
            "UPDATE processes SET lifecycles = lifecycles + ? WHERE process = ?",
            [(new, process) for process, new in deltas.processes.items()],
        )
        execute(
            "UPDATE processes SET internal = internal + ? WHERE process = ?",
            [(new, process) for process, new in deltas.internal_processes.items()],
        )
        self._write_traces(deltas.traces)
        execute(
            "UPDATE tasks SET lifecycles = lifecycles + ?, internal = internal + ?, first = min(coalesce(first, ?), ?),"
            " last = max(coalesce(last, ?), ?) WHERE key = ?",
            [
                (delta.lifecycles, delta.internal, delta.first, delta.first, delta.last, delta.last, task)
                for task, delta in deltas.tasks.items()
            ],
        )
        encode = msgspec.msgpack.encode
        rows = []
        for resource, change in deltas.resources.items():
            change.sort()
            stored = self._stored(resource)
            stored.add(change)
            rows.append(
                (stored.total, stored.failed, encode(stored.waits), encode(stored.holds), stored.used_ns, resource)
            )
        execute("UPDATE resources SET total = ?, failed = ?, waits = ?, holds = ?, used_ns = ? WHERE key = ?", rows)
        for resource, change in deltas.internal_resources.items():
            self._write_internal(resource, change)

    def _write_internal(self, resource: int, change: ResourceDelta) -> None:
        """Add the uses that libraries make of a resource for their own ends."""
        execute, decode, encode = self._connection.execute, _histogram_decoder.decode, msgspec.msgpack.encode
        total, failures, waits, holds, used_ns = execute(
            "SELECT internal, internal_failed, internal_waits, internal_holds, used_ns FROM resources WHERE key = ?",
            (resource,),
        ).fetchone()
        counts = _ResourceCounts(total, failures, decode(waits), decode(holds), used_ns)
        counts.add(change)
        execute(
            "UPDATE resources SET internal = ?, internal_failed = ?, internal_waits = ?, internal_holds = ?,"
            " used_ns = max(used_ns, ?) WHERE key = ?",
            (counts.total, counts.failed, encode(counts.waits), encode(counts.holds), counts.used_ns, resource),
        )

    def _write_traces(self, traces: dict[int, TraceDelta]) -> None:
        """Write the counts of traces. New ones get an ``order_ns`` that keeps the order of keys near that of time.

        A new trace stands after all others of its process. A trace that stands between others was deleted, and has a
        new lifecycle.
        """
        rows: list[tuple[int, ...]] = []
        between: dict[int, TraceDelta] = {}
        process, highest, latest_ns, is_unordered = 0, 0, 0, False
        for trace in sorted(traces):
            delta = traces[trace]
            if keys.process_of(trace) != process:
                process = keys.process_of(trace)
                is_unordered = time_order.is_unordered(self._connection, process)
                highest, latest_ns = time_order.highest(self._connection, "traces", "order_ns", process)
            if trace <= highest:
                between[trace] = delta
                continue
            if delta.order_ns > latest_ns or not highest:
                latest_ns = delta.order_ns
            elif delta.order_ns < latest_ns - NEIGHBOURS_NS and not is_unordered:
                delta.order_ns = latest_ns
            highest = trace
            rows.append(_values(trace, delta))
        missing = time_order.missing_traces(self._connection, between)
        for trace, delta in between.items():
            if trace in missing:
                delta.order_ns = time_order.place_trace(self._connection, trace, delta.order_ns)
                self._connection.execute(_TRACE, _values(trace, delta))
            else:
                rows.append(_values(trace, delta))
        self._connection.executemany(_TRACE, rows)

    def _stored(self, resource: int) -> _ResourceCounts:
        stored = self._resources.get(resource)
        if stored is None:
            total, failures, waits, holds, used_ns = self._connection.execute(
                "SELECT total, failed, waits, holds, used_ns FROM resources WHERE key = ?", (resource,)
            ).fetchone()
            decode = _histogram_decoder.decode
            stored = self._resources[resource] = _ResourceCounts(total, failures, decode(waits), decode(holds), used_ns)
            if len(self._resources) > _MAX_KNOWN:
                self._resources.popitem(last=False)
        else:
            self._resources.move_to_end(resource)
        return stored


_histogram_decoder = msgspec.msgpack.Decoder(dict[int, int])


def _values(trace: int, delta: TraceDelta) -> tuple[int, ...]:
    """The parameters of _TRACE."""
    counts = (delta.lifecycles, delta.open, delta.errors, delta.order_ns, delta.internal, delta.internal_errors)
    return trace, trace, delta.start_ns, delta.end_ns, *counts
