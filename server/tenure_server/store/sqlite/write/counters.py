"""What the store counts while it writes: per resource, trace and task, in the transaction of the rows.

A ``Tallies`` gathers the changes of one transaction; ``Books`` adds them to what is stored.
"""

# ruff: noqa: PLR1730 -- a comparison costs a quarter of a call of max, for every row

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import msgspec

from tenure import wire
from tenure_server.store.histogram import Histogram, add, bucket
from tenure_server.store.sqlite.file import keys, time_order
from tenure_server.store.sqlite.file.time_order import NEIGHBOURS_NS

# A lifecycle's columns, in the order of the table; of parent and exceptions 0 is none, as None is.
Row = tuple[int, int | None, int, int, int, int, int, int | None, int | None, int | None, int, int | None, int | None]

_MAX_KNOWN = 20_000
_ORDER = 5  # index of a trace's counts
_TRACE = (
    "INSERT INTO traces (key, otel_id, start_ns, end_ns, lifecycles, open, errors, order_ns)"
    " VALUES (?, (SELECT otel_trace_id FROM roots WHERE key = ?), ?, nullif(?, -1), ?, ?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET start_ns = min(start_ns, excluded.start_ns),"
    " end_ns = max(coalesce(end_ns, excluded.end_ns), coalesce(excluded.end_ns, end_ns)),"
    " lifecycles = lifecycles + excluded.lifecycles, open = open + excluded.open,"
    " errors = errors + excluded.errors"
)
_TIMEOUTS = ("Timeout", "TimeoutError")


def failed(outcomes: int) -> bool:
    """Some phase ended in an error."""
    return wire.ERROR in (outcomes & 3, outcomes >> wire.BODY_SHIFT & 3, outcomes >> wire.RELEASE_SHIFT & 3)


# By the bits of outcomes: 1 where some phase ended in an error.
FAILED = [int(failed(outcomes)) for outcomes in range(1 << wire.OUTCOME_BITS)]


class Change:
    """What one resource's lifecycles add: durations in ns, in no order."""

    __slots__ = ("failed", "holds", "missed", "moved", "releases", "timeouts", "total", "used_ns", "waits")

    def __init__(self) -> None:
        self.total = 0
        self.failed = 0
        self.used_ns = 0
        self.waits: list[int] = []
        self.holds: list[int] = []
        self.releases: list[int] = []  # of those that were acquired
        self.missed = 0  # acquires that ended without it
        self.timeouts = 0  # those of them that failed by a timeout
        self.moved: list[
            tuple[int, Row]
        ] = []  # 1: it turned out to be this one's, -1: another one's; as it was counted

    def sort(self) -> None:
        for durations in (self.waits, self.holds, self.releases):
            durations.sort()

    def add(self, other: Change) -> None:
        self.total += other.total
        self.failed += other.failed
        self.used_ns = max(self.used_ns, other.used_ns)
        self.waits += other.waits
        self.holds += other.holds
        self.releases += other.releases
        self.missed += other.missed
        self.timeouts += other.timeouts

    def note_missed(self, was_timeout: bool) -> None:
        self.missed += 1
        self.timeouts += was_timeout


class CounterDeltas:
    """Changes of one transaction, not yet written."""

    def __init__(self) -> None:
        self._timeouts: frozenset[int] = frozenset()
        self.resources: dict[int, Change] = {}
        self._traces: dict[int, list[int]] = {}  # start, end (-1: none), lifecycles, open, errors, order
        self._tasks: dict[int, list[int]] = {}  # lifecycles, first, last
        self._processes: dict[int, int] = {}

    def expect(self, exceptions: Sequence[wire.ExceptionInfo], rows: Sequence[int]) -> None:
        """What the rows to come name as exceptions; ``rows``, by number, are theirs in the store.

        A timeout is one by its type's name: psycopg_pool's PoolTimeout, say, is no TimeoutError.
        """
        self._timeouts = frozenset(
            row for exception, row in zip(exceptions, rows[1:], strict=True) if exception.type.endswith(_TIMEOUTS)
        )

    def count(self, rows: Iterable[Row]) -> None:  # noqa: C901, PLR0912 -- one flat loop: calls would double its cost
        """Count rows that are new in the store."""
        resources, traces, tasks = self.resources, self._traces, self._tasks
        process = 0
        new = 0
        for key, _, trace, task, resource, _, acquire_ns, wait_ns, hold_ns, release_ns, outcomes, _, own in rows:
            new += 1
            error = FAILED[outcomes]
            is_open = release_ns is None
            end_ns = acquire_ns + (wait_ns or 0) + (hold_ns or 0) + (release_ns or 0)
            tally = resources.get(resource)
            if tally is None:
                tally = resources[resource] = Change()
            tally.total += 1
            if error:
                tally.failed += 1
            if end_ns > tally.used_ns:
                tally.used_ns = end_ns
            if wait_ns is not None:
                tally.waits.append(wait_ns)
            elif not is_open:
                tally.note_missed(own in self._timeouts)
            if hold_ns is not None:
                tally.holds.append(hold_ns)
                if release_ns is not None:
                    tally.releases.append(release_ns)
            if is_open:
                end_ns = -1
            entry = traces.get(trace)
            if entry is None:
                traces[trace] = [acquire_ns, end_ns, 1, int(is_open), error, acquire_ns]
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

    def add(self, process: int, new: int, changes: Iterable[tuple[int, Change]]) -> None:
        """Count ``new`` rows of a process that were counted elsewhere: what they change, by resource."""
        self._processes[process] = self._processes.get(process, 0) + new
        for resource, change in changes:
            if change.total:
                tally = self.resources.get(resource) or self.resources.setdefault(resource, Change())
                tally.add(change)

    def rename(self, before: Row, resource: int) -> None:
        """Count what was counted of a stored lifecycle with another resource: a request whose route is known now.

        Metrics are cumulative and do not go back: to them what was told under the old name stays so.
        """
        for number, sign in ((before[4], -1), (resource, 1)):
            tally = self.resources.get(number) or self.resources.setdefault(number, Change())
            tally.moved.append((sign, before))

    def advance(self, before: Row, after: Row) -> None:
        """Count that a stored lifecycle went on to a later phase."""
        _, _, trace, _, _, _, acquire_ns, *_ = before
        _, _, _, _, resource, _, _, wait_ns, hold_ns, release_ns, outcomes, _, own = after
        end_ns = acquire_ns + (wait_ns or 0) + (hold_ns or 0) + (release_ns or 0)
        error = FAILED[outcomes] - FAILED[before[10]]
        tally = self.resources.get(resource) or self.resources.setdefault(resource, Change())
        tally.failed += error
        tally.used_ns = max(tally.used_ns, end_ns)
        if before[7] is None and wait_ns is not None:
            tally.waits.append(wait_ns)
        if before[8] is None and hold_ns is not None:
            tally.holds.append(hold_ns)
        if before[9] is None and release_ns is not None:
            if hold_ns is not None:
                tally.releases.append(release_ns)
            elif wait_ns is None:
                tally.note_missed(own in self._timeouts)
        entry = self._traces.setdefault(trace, [acquire_ns, -1, 0, 0, 0, acquire_ns])
        entry[4] += error
        if before[9] is None and release_ns is not None:
            entry[3] -= 1
            entry[1] = max(entry[1], end_ns)


class _Stored:
    """What is stored of one resource."""

    __slots__ = ("failed", "holds", "total", "used_ns", "waits")

    def __init__(self, total: int, failed: int, waits: Histogram, holds: Histogram, used_ns: int) -> None:
        self.total = total
        self.failed = failed
        self.waits = waits
        self.holds = holds
        self.used_ns = used_ns

    def add(self, change: Change) -> None:
        self.total += change.total
        self.failed += change.failed
        self.used_ns = max(self.used_ns, change.used_ns)
        add(self.waits, change.waits)
        add(self.holds, change.holds)
        for sign, (*_, wait_ns, hold_ns, _, outcomes, _, _) in change.moved:
            self.total += sign
            self.failed += sign * FAILED[outcomes]
            for histogram, duration in ((self.waits, wait_ns), (self.holds, hold_ns)):
                if duration is not None:
                    found = bucket(duration)
                    histogram[found] = histogram.get(found, 0) + sign


class CounterTables:
    """Writes tallies; keeps the counts of busy resources at hand."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._resources: OrderedDict[int, _Stored] = OrderedDict()

    def forget(self) -> None:
        self._resources.clear()

    def write(self, tallies: CounterDeltas) -> None:
        """Add the changes, and put their durations in order."""
        execute = self._connection.executemany
        execute(
            "UPDATE processes SET lifecycles = lifecycles + ? WHERE process = ?",
            [(new, process) for process, new in tallies._processes.items()],  # noqa: SLF001 -- the two are one
        )
        self._write_traces(tallies._traces)  # noqa: SLF001
        execute(
            "UPDATE tasks SET lifecycles = lifecycles + ?, first = min(coalesce(first, ?), ?),"
            " last = max(coalesce(last, ?), ?) WHERE key = ?",
            [(new, first, first, last, last, task) for task, (new, first, last) in tallies._tasks.items()],  # noqa: SLF001
        )
        encode = msgspec.msgpack.encode
        rows = []
        for resource, change in tallies.resources.items():
            change.sort()
            stored = self._stored(resource)
            stored.add(change)
            rows.append(
                (stored.total, stored.failed, encode(stored.waits), encode(stored.holds), stored.used_ns, resource)
            )
        execute("UPDATE resources SET total = ?, failed = ?, waits = ?, holds = ?, used_ns = ? WHERE key = ?", rows)

    def _write_traces(self, traces: dict[int, list[int]]) -> None:
        """Write what is counted of traces. Those that are new are put where the order of keys is that of time.

        A new trace stands after all others of its process. One that stands between them was deleted, and goes on.
        """
        later: list[tuple[int, ...]] = []
        between: dict[int, list[int]] = {}
        process, highest, latest_ns, is_unordered = 0, 0, 0, False
        for trace in sorted(traces):
            entry = traces[trace]
            if keys.process_of(trace) != process:
                process = keys.process_of(trace)
                is_unordered = time_order.is_unordered(self._connection, process)
                highest, latest_ns = time_order.highest(self._connection, "traces", "order_ns", process)
            if trace <= highest:
                between[trace] = entry
                continue
            if entry[_ORDER] > latest_ns or not highest:
                latest_ns = entry[_ORDER]
            elif entry[_ORDER] < latest_ns - NEIGHBOURS_NS and not is_unordered:
                entry[_ORDER] = latest_ns
            highest = trace
            later.append((trace, trace, *entry))
        missing = time_order.missing_traces(self._connection, between)
        for trace, entry in between.items():
            if trace in missing:
                entry[_ORDER] = time_order.place_trace(self._connection, trace, entry[_ORDER])
                self._connection.execute(_TRACE, (trace, trace, *entry))
            else:
                later.append((trace, trace, *entry))
        self._connection.executemany(_TRACE, later)

    def _stored(self, resource: int) -> _Stored:
        stored = self._resources.get(resource)
        if stored is None:
            total, failures, waits, holds, used_ns = self._connection.execute(
                "SELECT total, failed, waits, holds, used_ns FROM resources WHERE key = ?", (resource,)
            ).fetchone()
            decode = _histogram_decoder.decode
            stored = self._resources[resource] = _Stored(total, failures, decode(waits), decode(holds), used_ns)
            if len(self._resources) > _MAX_KNOWN:
                self._resources.popitem(last=False)
        else:
            self._resources.move_to_end(resource)
        return stored


_histogram_decoder = msgspec.msgpack.Decoder(dict[int, int])
