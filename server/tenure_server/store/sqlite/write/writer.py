"""Writes batches into the tables: a batch whole or not at all, each lifecycle once, never back to an earlier phase."""

# ruff: noqa: S608 -- statements are made of constant names

from __future__ import annotations

import sqlite3
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from tenure import wire
from tenure_server.store.protocol import Spans
from tenure_server.store.sqlite.file import keys, time_order
from tenure_server.store.sqlite.file.arrivals import Arrivals
from tenure_server.store.sqlite.file.rows import (
    LIFECYCLE_COLUMNS,
    LIFECYCLE_COLUMNS_WITHOUT_RARE,
    NO_RARE_VALUES,
    LifecycleRow,
    LifecycleValues,
    RareValues,
)
from tenure_server.store.sqlite.file.time_order import NEIGHBOURS_NS
from tenure_server.store.sqlite.file.transactions import roll_back
from tenure_server.store.sqlite.write.counter_deltas import CounterDeltas
from tenure_server.store.sqlite.write.counter_tables import CounterTables
from tenure_server.store.sqlite.write.interning import Interning, KnownProcess
from tenure_server.store.sqlite.write.multi_row_insert import MultiRowInsert
from tenure_server.store.sqlite.write.observations import ObservationTables
from tenure_server.store.sqlite.write.outbox import Outbox
from tenure_server.store.sqlite.write.rare_values import rare_values_of
from tenure_server.store.sqlite.write.row_values import FlatRows, marks_of, row_values
from tenure_server.store.sqlite.write.series import SeriesTables
from tenure_server.store.sqlite.write.span_rows import SpanTables
from tenure_server.store.sqlite.write.writer_thread import Work

_ROW = "?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), nullif(?, 0)"
_INSERT: MultiRowInsert[LifecycleValues] = MultiRowInsert(
    f"INSERT OR IGNORE INTO lifecycles ({LIFECYCLE_COLUMNS_WITHOUT_RARE})", _ROW
)
_INSERT_WITH_RARE: MultiRowInsert[tuple[int | None, ...]] = MultiRowInsert(
    f"INSERT OR IGNORE INTO lifecycles ({LIFECYCLE_COLUMNS})", f"{_ROW}, ?, nullif(?, 0)"
)
_REPLACE = f"INSERT OR REPLACE INTO lifecycles ({LIFECYCLE_COLUMNS}) VALUES ({_ROW}, ?, nullif(?, 0))"
_CHUNK = 500  # keys in one query
_KEY: Final = 0  # index in LifecycleValues


class Writer:
    """Writes batches and spans on one connection, a list of them in one transaction."""

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], int], outbox: Outbox) -> None:
        self._connection = connection
        self._clock = clock
        self._interning = Interning(connection)
        self._counter_tables = CounterTables(connection)
        self._outbox = outbox
        self._arrivals = Arrivals(connection)
        self._spans = SpanTables(connection, self._interning, self._arrivals)
        self._series = SeriesTables(connection)
        self._observations = ObservationTables(connection, self._interning)
        self._losses: Counter[str] = Counter()  # in the current transaction
        self.dropped: Counter[str] = Counter()  # lifecycles that tracers lost since the store was opened, by reason

    def forget(self) -> None:
        """Clear all caches: rows were deleted, or a transaction was rolled back."""
        for tables in (self._interning, self._counter_tables, self._spans, self._series, self._observations):
            tables.forget()
        self._arrivals.forget()

    def forget_traces(self) -> None:
        """Clear the caches of traces and arrivals: some were deleted."""
        self._interning.forget_traces()
        self._spans.forget()
        self._arrivals.forget()

    def write(self, works: list[Work]) -> list[int | None]:
        """Write batches and spans in one transaction.

        Returns:
            The number of new lifecycles of each; None for a batch that had been written before.

        Raises:
            sqlite3.Error: nothing of any of them is stored.
        """
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            of_batches = CounterDeltas()
            of_spans = CounterDeltas()  # they are in no series: a service that sends spans has metrics of its own
            new = [
                self._apply(work, of_batches)
                if isinstance(work, wire.Batch)
                else sum(self._apply_spans(spans, of_spans) for spans in work)
                for work in works
            ]
            for deltas in (of_batches, of_spans):
                self._counter_tables.write(deltas)
            self._series.write(of_batches.resources)
            now_ns = self._clock()
            self._arrivals.write(now_ns)
            self._outbox.write(now_ns)
            connection.execute("COMMIT")
            self._outbox.committed()
            self.dropped.update(self._losses)
        except BaseException:
            self.forget()
            self._outbox.rolled_back()
            roll_back(connection)
            raise
        finally:
            self._losses.clear()
        return new

    def _apply(self, batch: wire.Batch, deltas: CounterDeltas) -> int | None:
        now_ns = self._clock()
        process = self._interning.process(batch.process, now_ns)
        repeated = process.has_batch(batch.sequence)
        new = 0
        if not repeated:
            is_newest = batch.sequence > max(process.contiguous, *process.ahead, 0)
            self._interning.note_batch(process, batch.sequence)
            for reason, count in batch.dropped.items():
                self._losses[reason] += max(count - process.dropped.get(reason, 0), 0)
            process.dropped = process.dropped | {
                reason: max(count, process.dropped.get(reason, 0)) for reason, count in batch.dropped.items()
            }
            new = self._apply_rows(batch, process, deltas, now_ns, is_newest=is_newest)
            self._observations.write(process, batch, is_newest=is_newest)
        self._update_process(process, now_ns, ended=batch.final)
        return None if repeated else new

    def _apply_spans(self, spans: Spans, deltas: CounterDeltas) -> int:
        """Write the new ones of the spans; answer how many."""
        now_ns = self._clock()
        process = self._interning.process(spans.batch.process, now_ns)
        new = self._spans.write(process, spans, deltas, now_ns)
        self._update_process(process, now_ns, ended=False)
        return new

    def _update_process(self, process: KnownProcess, now_ns: int, *, ended: bool) -> None:
        """Write what a batch changes of its process."""
        self._connection.execute(
            "UPDATE processes SET last_seen_ns = max(last_seen_ns, ?), ended = max(ended, ?), dropped = ?,"
            " contiguous = ?, latest_ns = ?, skew_ns = ? WHERE process = ?",
            (
                now_ns,
                ended,
                msgspec.msgpack.encode(process.dropped),
                process.contiguous,
                process.latest_ns,
                process.clock.skew_ns,
                process.row,
            ),
        )

    def _apply_rows(
        self, batch: wire.Batch, process: KnownProcess, deltas: CounterDeltas, now_ns: int, *, is_newest: bool
    ) -> int:
        highest = process.highest
        fresh, resent = self._rows(batch, process, deltas, now_ns)
        rare = rare_values_of(batch, keys.key(process.row, 0))
        if fresh and self._insert(fresh, rare, deltas):
            new = fresh
            if merged := self._merge(resent, rare, deltas, is_newest=is_newest):
                new = fresh.plus(merged)
        else:
            new = FlatRows([]).plus(self._merge([*fresh, *resent], rare, deltas, is_newest=is_newest))
        self._check_order(process, highest, new)
        return len(new)

    def _check_order(self, process: KnownProcess, highest: tuple[int, int], new: FlatRows) -> None:
        """Mark the process if its keys are no longer in the order of time; ``new`` are the rows just written."""
        if process.is_unordered:
            return
        number, latest_ns = highest
        rows = new.keys_and_times()
        late = bisect(rows, (keys.key(process.row, number + 1), 0)) if number else 0
        is_ordered = True
        times = [at_ns for _, at_ns in rows]
        if not late and times and times[0] >= latest_ns and times == sorted(times):  # nearly always
            process.highest = keys.number_of(rows[-1][0]), times[-1]
            return
        for acquire_ns in times[late:]:
            if acquire_ns > latest_ns or not number:
                number, latest_ns = 1, acquire_ns
            elif acquire_ns < latest_ns - NEIGHBOURS_NS:
                is_ordered = False
        if is_ordered:
            is_ordered = all(time_order.is_in_place(self._connection, key, at_ns) for key, at_ns in rows[:late])
        if is_ordered:
            last = keys.number_of(rows[-1][0]) if late < len(rows) else highest[0]
            process.highest = last, latest_ns
        else:
            self._interning.note_unordered(process)

    def _insert(self, rows: FlatRows, rare: Mapping[int, RareValues], deltas: CounterDeltas) -> bool:
        """Insert rows that should all be new. False: one of them is stored already, and nothing was inserted."""
        connection = self._connection
        connection.execute("SAVEPOINT fresh")
        before = connection.total_changes
        if rare:
            _INSERT_WITH_RARE.run(connection, ((*row, *rare.get(row[_KEY], NO_RARE_VALUES)) for row in rows))
        else:
            _INSERT.run_flat(connection, rows.values)
        if is_new := connection.total_changes - before == len(rows):
            deltas.count(rows)
            closed = rows.closed()
            self._arrivals.note(closed)
            self._outbox.note(closed)
        else:
            connection.execute("ROLLBACK TO fresh")
        connection.execute("RELEASE fresh")
        return is_new

    def _merge(
        self,
        rows: FlatRows | list[LifecycleValues],
        rare: Mapping[int, RareValues],
        deltas: CounterDeltas,
        *,
        is_newest: bool,
    ) -> list[LifecycleValues]:
        """Write rows of which some may be stored, in an earlier phase or a later one; answer those that were new.

        A later phase, or a newer batch in the same phase, may bring another resource and site: a request's route is
        known only after the request began, and so is its status.
        """
        stored = self._stored([row[_KEY] for row in rows])
        written: dict[int, LifecycleRow] = {}
        closed: list[int] = []
        new: list[LifecycleValues] = []
        for values in rows:
            row = LifecycleRow(*values, *rare.get(values[_KEY], NO_RARE_VALUES))
            before = stored.get(row.key)
            if before is None:
                after = row
                deltas.count((values,))
                new.append(values)
            elif row.progress > before.progress or (is_newest and row.has_news(before)):
                after = row._replace(
                    parent=before.parent, trace=before.trace, task=before.task, acquire_ns=before.acquire_ns
                )
                if row.resource != before.resource:
                    deltas.rename(before, row.resource)
                deltas.advance(before, after)
            else:
                continue
            if row.is_closed and (before is None or not before.is_closed):
                closed.append(row.key)
            stored[row.key] = written[row.key] = after
        self._connection.executemany(_REPLACE, written.values())
        self._arrivals.note(closed)
        self._outbox.note(row.key for row in written.values() if row.is_closed)
        return new

    def _stored(self, wanted: list[int]) -> dict[int, LifecycleRow]:
        rows: dict[int, LifecycleRow] = {}
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            sql = f"SELECT {LIFECYCLE_COLUMNS} FROM lifecycles WHERE key IN ({','.join('?' * len(chunk))})"
            rows |= {row.key: row for row in map(LifecycleRow._make, self._connection.execute(sql, chunk))}
        return rows

    def _rows(
        self, batch: wire.Batch, process: KnownProcess, deltas: CounterDeltas, now_ns: int
    ) -> tuple[FlatRows, FlatRows]:
        """The batch's rows with the keys of the store: those sent for the first time, and those sent again."""
        interning = self._interning
        sites = interning.sites(batch.sites)
        cancellers = interning.cancellers(process, batch, sites) if batch.cancellers else {}
        exceptions = interning.exceptions(batch.exceptions, now_ns, cancellers)
        deltas.expect(batch.exceptions, exceptions)
        resources = interning.resources(process, batch.resources)
        if batch.pools:
            self._series.note_pools(batch.pools, resources)
        tasks = interning.tasks(process, batch.tasks, batch.clock_offset_ns, exceptions)
        own = batch.rows.own_traces if isinstance(batch.rows, wire.ColumnRows) else batch.traces
        traces = interning.traces(process, own)
        marks = marks_of(batch.sites)
        base = keys.key(process.row, 0)
        store = wire.StoreKeys(batch.clock_offset_ns, base, {}, tasks, resources, sites, exceptions, marks)
        fresh, resent, latest_ns = row_values(batch, store, traces)
        process.note_latest(latest_ns, now_ns)
        return fresh, resent
