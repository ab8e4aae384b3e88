"""What the store counts while it writes: per resource, trace and task, in the transaction of the rows.

A ``Tallies`` gathers the changes of one transaction; ``write`` adds them to what is stored.
"""

# ruff: noqa: PLR1730 -- a comparison costs a quarter of a call of max, for every row

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable
from math import log

import msgspec

from tenure import wire
from tenure_server.store.histogram import BUCKETS_PER_E, Histogram
from tenure_server.store.sqlite import keys

# A lifecycle's columns, in the order of the table.
Row = tuple[int, int | None, int, int, int, int, int, int | None, int | None, int | None, int, int | None, int | None]

_MAX_KNOWN = 20_000


def failed(outcomes: int) -> bool:
    """Some phase ended in an error."""
    return wire.ERROR in (outcomes & 3, outcomes >> wire.BODY_SHIFT & 3, outcomes >> wire.RELEASE_SHIFT & 3)


_FAILED = [int(failed(outcomes)) for outcomes in range(1 << wire.OUTCOME_BITS)]


class ResourceTally:
    """Counts of one resource: what is stored, or what is to be added to it."""

    __slots__ = ("failed", "holds", "total", "used_ns", "waits")

    def __init__(self, total: int, failed: int, waits: Histogram, holds: Histogram, used_ns: int) -> None:
        self.total = total
        self.failed = failed
        self.waits = waits
        self.holds = holds
        self.used_ns = used_ns

    def add(self, other: ResourceTally) -> None:
        self.total += other.total
        self.failed += other.failed
        self.used_ns = max(self.used_ns, other.used_ns)
        for mine, others in ((self.waits, other.waits), (self.holds, other.holds)):
            for bucket, count in others.items():
                mine[bucket] = mine.get(bucket, 0) + count


class Tallies:
    """Changes of one transaction, not yet written."""

    def __init__(self) -> None:
        self._resources: dict[int, ResourceTally] = {}
        self._traces: dict[int, list[int]] = {}  # start, end (-1: none), lifecycles, open, errors
        self._tasks: dict[int, list[int]] = {}  # lifecycles, first, last
        self._processes: dict[int, int] = {}

    def count(self, rows: Iterable[Row]) -> None:  # noqa: C901, PLR0912 -- one flat loop: calls would double its cost
        """Count rows that are new in the store."""
        resources, traces, tasks = self._resources, self._traces, self._tasks
        process = 0
        new = 0
        for key, _, trace, task, resource, _, acquire_ns, wait_ns, hold_ns, release_ns, outcomes, _, _ in rows:
            new += 1
            error = _FAILED[outcomes]
            is_open = release_ns is None
            end_ns = acquire_ns + (wait_ns or 0) + (hold_ns or 0) + (release_ns or 0)
            tally = resources.get(resource)
            if tally is None:
                tally = resources[resource] = ResourceTally(0, 0, {}, {}, 0)
            tally.total += 1
            if error:
                tally.failed += 1
            if end_ns > tally.used_ns:
                tally.used_ns = end_ns
            if wait_ns is not None:
                bucket = int(log(wait_ns or 1) * BUCKETS_PER_E)
                waits = tally.waits
                waits[bucket] = waits.get(bucket, 0) + 1
            if hold_ns is not None:
                bucket = int(log(hold_ns or 1) * BUCKETS_PER_E)
                holds = tally.holds
                holds[bucket] = holds.get(bucket, 0) + 1
            if is_open:
                end_ns = -1
            entry = traces.get(trace)
            if entry is None:
                traces[trace] = [acquire_ns, end_ns, 1, int(is_open), error]
            else:
                if acquire_ns < entry[0]:
                    entry[0] = acquire_ns
                if end_ns > entry[1]:
                    entry[1] = end_ns
                entry[2] += 1
                entry[3] += is_open
                entry[4] += error
            entry = tasks.get(task)
            if entry is None:
                tasks[task] = [1, key, key]
            else:
                entry[0] += 1
                if key < entry[1]:
                    entry[1] = key
                elif key > entry[2]:
                    entry[2] = key
        if new:
            process = keys.process_of(key)
            self._processes[process] = self._processes.get(process, 0) + new

    def advance(self, before: Row, after: Row) -> None:
        """Count that a stored lifecycle went on to a later phase."""
        _, _, trace, _, resource, _, acquire_ns, *_ = before
        _, _, _, _, _, _, _, wait_ns, hold_ns, release_ns, outcomes, _, _ = after
        end_ns = acquire_ns + (wait_ns or 0) + (hold_ns or 0) + (release_ns or 0)
        error = _FAILED[outcomes] - _FAILED[before[10]]
        tally = self._resources.setdefault(resource, ResourceTally(0, 0, {}, {}, 0))
        tally.failed += error
        tally.used_ns = max(tally.used_ns, end_ns)
        for histogram, old, new in ((tally.waits, before[7], wait_ns), (tally.holds, before[8], hold_ns)):
            if old is None and new is not None:
                bucket = int(log(new or 1) * BUCKETS_PER_E)
                histogram[bucket] = histogram.get(bucket, 0) + 1
        entry = self._traces.setdefault(trace, [acquire_ns, -1, 0, 0, 0])
        entry[4] += error
        if before[9] is None and release_ns is not None:
            entry[3] -= 1
            entry[1] = max(entry[1], end_ns)


class Books:
    """Writes tallies; keeps the counts of busy resources at hand."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._resources: OrderedDict[int, ResourceTally] = OrderedDict()

    def forget(self) -> None:
        self._resources.clear()

    def write(self, tallies: Tallies) -> None:
        execute = self._connection.executemany
        execute(
            "UPDATE processes SET lifecycles = lifecycles + ? WHERE process = ?",
            [(new, process) for process, new in tallies._processes.items()],  # noqa: SLF001 -- the two are one
        )
        execute(
            "INSERT INTO traces VALUES (?1, (SELECT otel_trace_id FROM roots WHERE key = ?1), ?2, nullif(?3, -1), ?4,"
            " ?5, ?6) ON CONFLICT (key) DO UPDATE SET start_ns = min(start_ns, excluded.start_ns),"
            " end_ns = max(coalesce(end_ns, excluded.end_ns), coalesce(excluded.end_ns, end_ns)),"
            " lifecycles = lifecycles + excluded.lifecycles, open = open + excluded.open,"
            " errors = errors + excluded.errors",
            [(trace, *entry) for trace, entry in tallies._traces.items()],  # noqa: SLF001
        )
        execute(
            "UPDATE tasks SET lifecycles = lifecycles + ?1, first = min(coalesce(first, ?2), ?2),"
            " last = max(coalesce(last, ?3), ?3) WHERE key = ?4",
            [(*entry, task) for task, entry in tallies._tasks.items()],  # noqa: SLF001
        )
        encode = msgspec.msgpack.encode
        rows = []
        for resource, change in tallies._resources.items():  # noqa: SLF001
            stored = self._stored(resource)
            stored.add(change)
            rows.append(
                (stored.total, stored.failed, encode(stored.waits), encode(stored.holds), stored.used_ns, resource)
            )
        execute("UPDATE resources SET total = ?, failed = ?, waits = ?, holds = ?, used_ns = ? WHERE key = ?", rows)

    def _stored(self, resource: int) -> ResourceTally:
        stored = self._resources.get(resource)
        if stored is None:
            total, failures, waits, holds, used_ns = self._connection.execute(
                "SELECT total, failed, waits, holds, used_ns FROM resources WHERE key = ?", (resource,)
            ).fetchone()
            decode = _histogram_decoder.decode
            stored = self._resources[resource] = ResourceTally(total, failures, decode(waits), decode(holds), used_ns)
            if len(self._resources) > _MAX_KNOWN:
                self._resources.popitem(last=False)
        else:
            self._resources.move_to_end(resource)
        return stored


_histogram_decoder = msgspec.msgpack.Decoder(dict[int, int])
