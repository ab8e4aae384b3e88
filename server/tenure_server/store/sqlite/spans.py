"""What spans of other services need beside the tables of lifecycles: their ids, and how they are found again.

A lifecycle of a tracer has a number from its process, and its span id is made from that. A span brings its id alone, so
its number is made from its start (see ``Spans``), and ``spans`` keeps the id beside the number: written in the order of
time, read by number. There is no index by id. A span that comes again is where its start says; a parent is looked for
among the lifecycles of its trace.
"""

# ruff: noqa: PLR1730 -- a comparison costs a quarter of a call of max, for every row

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from operator import itemgetter

from tenure import wire
from tenure_server.store.protocol import SpanRow, Spans
from tenure_server.store.sqlite import keys
from tenure_server.store.sqlite.tallies import Row

TABLES = (
    "CREATE TABLE IF NOT EXISTS spans (key INTEGER PRIMARY KEY, id INTEGER NOT NULL, parent INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS span_processes (process INTEGER PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS trace_firsts (trace INTEGER PRIMARY KEY, key INTEGER NOT NULL, at_ns INTEGER NOT NULL)",
)

_LOOK_UP = 500  # keys in one query
_AT_ONCE = 50  # rows in one statement
_MAX_KNOWN = 50_000

_STRIDE_BITS = 10  # of a span's id: how far it moves on where its place is taken
_STRIDES = 32  # after so many it moves a thousand times as far

Interned = tuple[Sequence[int], Sequence[int], Sequence[int | None]]  # sites, resources, exceptions


class SpanTables:
    """Works on the writer's connection, in its transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        for table in TABLES:
            connection.execute(table)
        self._connection = connection
        self._tasks: dict[int, tuple[str, int, int]] = {}  # name, created, finished
        self._traces: dict[bytes, int] = {}

    def forget(self) -> None:
        self._tasks.clear()
        self._traces.clear()

    def add(self, process: int, part: Spans) -> list[tuple[int, SpanRow]]:
        """Keep the ids of the spans that are new, each at the first free key on its way; answer those with their keys.

        In the order of their keys, which is the order in which SQLite is quickest to write them.
        """
        self._connection.execute("INSERT OR IGNORE INTO span_processes VALUES (?)", (process,))
        low = keys.key(process, 0)
        brought = self._stored_of(part)
        pending = [(low + row.number, row) for row in part.rows if row.id not in brought]
        new: dict[int, SpanRow] = {}
        steps = 0
        while pending:
            free: dict[int, SpanRow] = {}
            passed: list[tuple[int, SpanRow]] = []
            for key, row in pending:
                there = new.get(key) or free.setdefault(key, row)
                if there is not row and there.id != row.id:
                    passed.append((key, row))
            stored = self._insert(free, new)
            passed += [(key, free[key]) for key in stored]
            pending = [
                (low + _next(keys.number_of(key), row.id, steps), row)
                for key, row in passed
                if stored.get(key) != row.id  # else it is there, and new to nobody
            ]
            steps += 1
        return sorted(new.items(), key=itemgetter(0))

    def _insert(self, wanted: dict[int, SpanRow], new: dict[int, SpanRow]) -> dict[int, int]:
        """Write ids at those keys that are free, and note them as new; answer the ids at the others."""
        occupied: dict[int, int] = {}
        ordered = sorted(wanted.items(), key=itemgetter(0))
        for at in range(0, len(ordered), _AT_ONCE):
            some = ordered[at : at + _AT_ONCE]
            try:
                self._insert_free(some)
            except sqlite3.IntegrityError:  # nothing of it is written
                stored = self._ids_at([key for key, _ in some])
                occupied |= stored
                some = [(key, row) for key, row in some if key not in stored]
                self._insert_free(some)
            new.update(some)
        return occupied

    def _insert_free(self, some: list[tuple[int, SpanRow]]) -> None:
        """In one statement, which does all or nothing."""
        if some:
            marks = ", ".join(["(?, ?, ?)"] * len(some))
            values = chain.from_iterable((key, row.id, row.parent) for key, row in some)
            self._connection.execute(f"INSERT INTO spans VALUES {marks}", tuple(values))  # noqa: S608 -- marks only

    def _ids_at(self, wanted: list[int]) -> dict[int, int]:
        found: dict[int, int] = {}
        for start in range(0, len(wanted), _LOOK_UP):
            some = wanted[start : start + _LOOK_UP]
            marks = ",".join("?" * len(some))
            found.update(self._connection.execute(f"SELECT key, id FROM spans WHERE key IN ({marks})", some))  # noqa: S608 -- marks only
        return found

    def _stored_of(self, part: Spans) -> set[int]:
        """The ids of spans that a tracer's own batches have brought already, as lifecycles."""
        process = (
            part.origin
            and self._connection.execute("SELECT process FROM processes WHERE id = ?", (part.origin,)).fetchone()
        )
        if not process or part.origin is None:
            return set()
        by_key = {}
        for row in part.rows:
            number = keys.number_of_span(row.id, part.origin)
            if number is not None:
                by_key[keys.key(process[0], number)] = row.id
        wanted = list(by_key)
        found: set[int] = set()
        for start in range(0, len(wanted), _LOOK_UP):
            some = wanted[start : start + _LOOK_UP]
            sql = f"SELECT key FROM lifecycles WHERE key IN ({','.join('?' * len(some))})"  # noqa: S608 -- marks only
            found |= {by_key[key] for (key,) in self._connection.execute(sql, some)}
        return found

    def rows(
        self, process: int, batch: wire.Batch, new: list[tuple[int, SpanRow]], interned: Interned
    ) -> tuple[list[Row], int]:
        """The new spans as rows of the table of lifecycles, and the latest instant that they tell of."""
        sites, resources, exceptions = interned
        tasks = self._write_tasks(process, batch.tasks)
        traces = self._write_traces(process, batch, new)
        found: list[Row] = []
        latest_ns = 0
        for key, row in new:
            acquire_ns, hold_ns = row.acquire_ns, row.hold_ns
            if acquire_ns + hold_ns > latest_ns:
                latest_ns = acquire_ns + hold_ns
            found.append(
                (
                    key, None, traces[row.trace], tasks[row.task], resources[row.resource], sites[row.site],
                    acquire_ns, 0, hold_ns, 0, row.outcomes, exceptions[row.exception], None,
                )
            )  # fmt: skip
        return found, latest_ns

    def _write_tasks(self, process: int, tasks: Sequence[wire.Task]) -> list[int]:
        """Their keys. A task reaches from the first begin to the last end that was told of."""
        rows = []
        for task in tasks:
            key = keys.key(process, task.id)
            facts = (task.name, task.created_ns or 0, task.finished_ns or 0)
            if self._tasks.get(key) != facts:
                self._tasks[key] = facts
                rows.append((key, task.name, task.coroutine, task.kind, *facts[1:], task.outcome))
        if len(self._tasks) > _MAX_KNOWN:
            self._tasks.clear()
        self._connection.executemany(
            "INSERT INTO tasks VALUES (?, ?, ?, ?, NULL, NULL, ?, ?, ?, NULL, 0, NULL, NULL) ON CONFLICT (key)"
            " DO UPDATE SET created_ns = min(created_ns, excluded.created_ns),"
            " finished_ns = max(finished_ns, excluded.finished_ns)",
            rows,
        )
        return [keys.key(process, task.id) for task in tasks]

    def _write_traces(self, process: int, batch: wire.Batch, new: list[tuple[int, SpanRow]]) -> list[int]:
        """Their keys; 0 for one of which no span is new. A new trace has the key of the span that began first."""
        firsts: dict[int, tuple[int, int]] = {}  # trace's index -> start, key
        for key, row in new:
            first = firsts.get(row.trace)
            if first is None or row.acquire_ns < first[0]:
                firsts[row.trace] = row.acquire_ns, key
        ids = {trace: batch.traces[trace].otel_trace_id or b"" for trace in firsts}
        self._make_traces({ids[trace]: key for trace, (_, key) in firsts.items()})
        found = [0] * len(batch.traces)
        for trace in firsts:
            found[trace] = self._traces[ids[trace]]
        many = self._connection.executemany
        many("INSERT OR IGNORE INTO otel_trace_processes VALUES (?, ?)", [(found[trace], process) for trace in firsts])
        many(
            "INSERT INTO trace_firsts VALUES (?, ?, ?) ON CONFLICT (trace) DO UPDATE SET key = excluded.key,"
            " at_ns = excluded.at_ns WHERE excluded.at_ns < at_ns",
            [(found[trace], key, at_ns) for trace, (at_ns, key) in firsts.items()],
        )
        return found

    def _make_traces(self, wanted: dict[bytes, int]) -> None:
        """Find, or make under this key, the traces with these ids."""
        if len(self._traces) > _MAX_KNOWN:
            self._traces.clear()
        new = [trace for trace in wanted if trace not in self._traces]
        many = self._connection.executemany
        many("INSERT OR IGNORE INTO otel_traces VALUES (?, ?)", [(trace, wanted[trace]) for trace in new])
        for start in range(0, len(new), _LOOK_UP):
            some = new[start : start + _LOOK_UP]
            marks = ",".join("?" * len(some))
            self._traces.update(
                self._connection.execute(f"SELECT id, trace FROM otel_traces WHERE id IN ({marks})", some)  # noqa: S608 -- marks only
            )
        roots = [(self._traces[trace], trace) for trace in new]
        many("INSERT OR IGNORE INTO roots VALUES (?, NULL, ?, NULL)", roots)


def _next(number: int, span: int, steps: int) -> int:
    """Where a span looks next: near by at first, ever farther, so that many that begin at once find room soon."""
    stride = (span >> 8 & (1 << _STRIDE_BITS) - 1 | 1) << _STRIDE_BITS * (steps // _STRIDES)
    return (number - 1 + stride) % keys.NUMBERS + 1
