"""Writes batches into the tables: all of a batch or nothing, each lifecycle once, never back to an earlier phase."""

# ruff: noqa: FURB136, PLR1730 -- a comparison costs a quarter of a call of max, for every row
# ruff: noqa: S608 -- statements are put together from words of this package

from __future__ import annotations

import sqlite3
from bisect import bisect
from collections import Counter
from collections.abc import Callable
from itertools import chain
from operator import itemgetter

import msgspec
from msgspec.structs import astuple

from tenure import wire
from tenure_server.store.protocol import Spans
from tenure_server.store.sqlite.file import keys, time_order
from tenure_server.store.sqlite.file.arrivals import Arrivals
from tenure_server.store.sqlite.file.schema import LIFECYCLE_COLUMNS
from tenure_server.store.sqlite.file.time_order import NEIGHBOURS_NS
from tenure_server.store.sqlite.file.transactions import roll_back
from tenure_server.store.sqlite.write.counters import CounterDeltas, CounterTables, Row
from tenure_server.store.sqlite.write.interning import Interning, KnownProcess
from tenure_server.store.sqlite.write.multi_row_insert import Insert
from tenure_server.store.sqlite.write.outbox import Outbox
from tenure_server.store.sqlite.write.series import SeriesTables
from tenure_server.store.sqlite.write.span_rows import SpanTables
from tenure_server.store.sqlite.write.writer_thread import Work

_ROW = "?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), nullif(?, 0)"
_INSERT = Insert(f"INSERT OR IGNORE INTO lifecycles ({LIFECYCLE_COLUMNS})", _ROW)
_REPLACE = f"INSERT OR REPLACE INTO lifecycles ({LIFECYCLE_COLUMNS}) VALUES ({_ROW})"
_LOOK_UP = 500  # keys in one query
_KEY_AND_TIME = itemgetter(0, 6)


def _progress(row: Row) -> int:
    """How far a lifecycle has come: a later phase has the greater number."""
    return (row[7] is not None) + 2 * (row[8] is not None) + 4 * (row[9] is not None)


def _is_renamed(before: Row, row: Row) -> bool:
    """Whether an open lifecycle is said to be a use of something else, in the phase that is stored."""
    return before[9] is None and row[7:10] == before[7:10] and row[4:6] != before[4:6]


class Writer:
    """Applies batches on one connection, in transactions that the caller begins with ``write``."""

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], int], outbox: Outbox) -> None:
        self._connection = connection
        self._clock = clock
        self._interning = Interning(connection)
        self._books = CounterTables(connection)
        self._outbox = outbox
        self._arrivals = Arrivals(connection)
        self._spans = SpanTables(connection, self._interning, self._arrivals)
        self._series = SeriesTables(connection)
        self._losses: Counter[str] = Counter()  # in the transaction that is going on
        self.dropped: Counter[str] = Counter()  # what tracers lost, by reason, as told since the store was opened

    def forget(self) -> None:
        """Drop what is cached: rows were deleted or a transaction was undone."""
        self._interning.forget()
        self._books.forget()
        self._spans.forget()
        self._series.forget()
        self._arrivals.forget()

    def forget_traces(self) -> None:
        """Drop what is cached of traces and arrivals: some were deleted."""
        self._interning.forget_traces()
        self._spans.forget()
        self._arrivals.forget()

    def write(self, works: list[Work]) -> list[int | None]:
        """Write batches and spans in one transaction.

        Returns:
            How many new lifecycles each brought; None for a batch that had been written before.

        Raises:
            sqlite3.Error: nothing of any of them is stored.
        """
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            measured = CounterDeltas()
            others = CounterDeltas()  # of spans: who sends them has metrics of its own
            new = [
                self._apply(work, measured)
                if isinstance(work, wire.Batch)
                else sum(self._apply_spans(part, others) for part in work)
                for work in works
            ]
            for tallies in (measured, others):
                self._books.write(tallies)
            self._series.write(measured.resources)
            now_ns = self._clock()
            self._arrivals.write(now_ns)
            self._outbox.write(now_ns)
            connection.execute("COMMIT")
            self._outbox.settle()
            self.dropped.update(self._losses)
        except BaseException:
            self.forget()
            self._outbox.undo()
            roll_back(connection)
            raise
        finally:
            self._losses.clear()
        return new

    def _apply(self, batch: wire.Batch, tallies: CounterDeltas) -> int | None:
        now_ns = self._clock()
        known = self._interning.process(batch.process, now_ns)
        repeated = known.has(batch.sequence)
        new = 0
        if not repeated:
            is_newest = batch.sequence > max(known.contiguous, *known.ahead, 0)
            self._interning.seen(known, batch.sequence)
            for reason, count in batch.dropped.items():
                self._losses[reason] += max(count - known.dropped.get(reason, 0), 0)
            known.dropped = known.dropped | {
                reason: max(count, known.dropped.get(reason, 0)) for reason, count in batch.dropped.items()
            }
            new = self._apply_rows(batch, known, tallies, now_ns, is_newest=is_newest)
        self._note(known, now_ns, ended=batch.final)
        return None if repeated else new

    def _apply_spans(self, part: Spans, tallies: CounterDeltas) -> int:
        """The spans that are new, as rows that no batch of a tracer has; answer how many."""
        now_ns = self._clock()
        known = self._interning.process(part.batch.process, now_ns)
        new = self._spans.write(known, part, tallies, now_ns)
        self._note(known, now_ns, ended=False)
        return new

    def _note(self, known: KnownProcess, now_ns: int, *, ended: bool) -> None:
        """That the process was heard of."""
        self._connection.execute(
            "UPDATE processes SET last_seen_ns = max(last_seen_ns, ?), ended = max(ended, ?), dropped = ?,"
            " contiguous = ?, latest_ns = ?, skew_ns = ? WHERE process = ?",
            (
                now_ns,
                ended,
                msgspec.msgpack.encode(known.dropped),
                known.contiguous,
                known.latest_ns,
                known.clock.skew_ns,
                known.row,
            ),
        )

    def _apply_rows(
        self, batch: wire.Batch, known: KnownProcess, tallies: CounterDeltas, now_ns: int, *, is_newest: bool
    ) -> int:
        highest = known.highest
        fresh, resent = self._rows(batch, known, tallies, now_ns)
        if fresh and self._insert(fresh, tallies):
            new, resent_new = fresh, self._merge(resent, tallies, is_newest=is_newest)
        else:
            new, resent_new = [], self._merge(fresh + resent, tallies, is_newest=is_newest)
        self._look_at_order(known, highest, new, resent_new)
        return len(new) + len(resent_new)

    def _look_at_order(self, known: KnownProcess, highest: tuple[int, int], new: list[Row], merged: list[Row]) -> None:
        """Mark the process whose keys are no longer in the order of time: ``new`` and ``merged`` were just written."""
        if known.is_unordered:
            return
        number, latest_ns = highest
        rows = sorted(map(_KEY_AND_TIME, chain(new, merged)))
        late = bisect(rows, (keys.key(known.row, number + 1), 0)) if number else 0
        is_ordered = True
        times = [at_ns for _, at_ns in rows]
        if not late and times and times[0] >= latest_ns and times == sorted(times):  # nearly always
            known.highest = keys.number_of(rows[-1][0]), times[-1]
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
            known.highest = last, latest_ns
        else:
            self._interning.note_unordered(known)

    def _insert(self, rows: list[Row], tallies: CounterDeltas) -> bool:
        """Insert rows that should all be new; false, and nothing is done, where one is there already."""
        connection = self._connection
        connection.execute("SAVEPOINT fresh")
        before = connection.total_changes
        _INSERT.run(connection, list(chain.from_iterable(rows)))
        if is_new := connection.total_changes - before == len(rows):
            tallies.count(rows)
            closed = [row[0] for row in rows if row[9] is not None]
            self._arrivals.note(closed)
            self._outbox.note(closed)
        else:
            connection.execute("ROLLBACK TO fresh")
        connection.execute("RELEASE fresh")
        return is_new

    def _merge(self, rows: list[Row], tallies: CounterDeltas, *, is_newest: bool) -> list[Row]:
        """Write rows of which some may be stored, in an earlier phase or a later one; answer those that were new.

        A later phase, and a newer batch in the same one, may know better what the lifecycle is a use of and where it
        stands: a request's route is found after it began.
        """
        stored = self._stored([row[0] for row in rows])
        written: dict[int, Row] = {}
        closed: list[int] = []
        new: list[Row] = []
        for row in rows:
            before = stored.get(row[0])
            if before is None:
                after = row
                tallies.count((row,))
                new.append(row)
            elif _progress(row) > _progress(before) or (is_newest and _is_renamed(before, row)):
                after = before[:4] + row[4:6] + before[6:7] + row[7:]  # whose it is and when it began stays
                if row[4] != before[4]:
                    tallies.rename(before, row[4])
                tallies.advance(before, after)
            else:
                continue
            if row[9] is not None and (before is None or before[9] is None):
                closed.append(row[0])
            stored[row[0]] = written[row[0]] = after
        self._connection.executemany(_REPLACE, written.values())
        self._arrivals.note(closed)
        self._outbox.note(row[0] for row in written.values() if row[9] is not None)
        return new

    def _stored(self, wanted: list[int]) -> dict[int, Row]:
        found: dict[int, Row] = {}
        for start in range(0, len(wanted), _LOOK_UP):
            some = wanted[start : start + _LOOK_UP]
            marks = ",".join("?" * len(some))
            for row in self._connection.execute(
                f"SELECT {LIFECYCLE_COLUMNS} FROM lifecycles WHERE key IN ({marks})", some
            ):
                found[row[0]] = row
        return found

    def _rows(
        self, batch: wire.Batch, known: KnownProcess, tallies: CounterDeltas, now_ns: int
    ) -> tuple[list[Row], list[Row]]:
        """The batch's rows as the table has them: those never shipped before, and those that were."""
        interning = self._interning
        sites = interning.sites(batch.sites)
        cancellers = interning.cancellers(known, batch, sites) if batch.cancellers else {}
        exceptions = interning.exceptions(batch.exceptions, now_ns, cancellers)
        tallies.expect(batch.exceptions, exceptions)
        resources = interning.resources(known, batch.resources)
        if batch.pools:
            self._series.note_pools(batch.pools, resources)
        tasks = interning.tasks(known, batch.tasks, batch.clock_offset_ns, exceptions)
        traces = interning.traces(known, batch.traces)
        fresh: list[Row] = []
        resent: list[Row] = []
        base = keys.key(known.row, 0)
        acquire_ns = batch.base_ns + batch.clock_offset_ns
        latest_ns = 0
        for row in batch.rows:
            number, parent, trace, task, resource, site, delta, wait, hold, release, outcomes, body, own = astuple(row)
            acquire_ns += delta
            end_ns = (
                acquire_ns + (wait if wait > 0 else 0) + (hold if hold > 0 else 0) + (release if release > 0 else 0)
            )
            if end_ns > latest_ns:
                latest_ns = end_ns
            (resent if outcomes & wire.RESENT else fresh).append(
                (
                    base + number,
                    parent,
                    traces[trace],
                    tasks[task],
                    resources[resource],
                    sites[site],
                    acquire_ns,
                    None if wait < 0 else wait,
                    None if hold < 0 else hold,
                    None if release < 0 else release,
                    outcomes & ~wire.RESENT,
                    exceptions[body],
                    exceptions[own],
                )
            )
        known.note_latest(latest_ns, now_ns)
        return fresh, resent
