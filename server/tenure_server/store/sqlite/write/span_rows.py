"""Writes spans of other services: lifecycles that are closed, and that no batch of a tracer has.

A lifecycle of a tracer has a number from its process, and its span id is made from that. A span brings its id alone, so
its number is made from its start (see ``Spans``), and its row keeps the id and the parent's. There is no index by id. A
span that comes again is where its start says; a parent is looked for among the lifecycles of its trace.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from itertools import chain

from tenure_server.store.protocol import SpanRow, Spans
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.arrivals import Arrivals
from tenure_server.store.sqlite.write.counters import CounterDeltas
from tenure_server.store.sqlite.write.interning import Interning, KnownProcess
from tenure_server.store.sqlite.write.multi_row_insert import Insert
from tenure_server.store.sqlite.write.span_tasks import Counted, SpanParts

_NUMBER, _ID = 0, 1  # indexes of a SpanRow
_LOOK_UP = 500  # keys in one query
_STRIDE_BITS = 10  # of a span's id: how far it moves on where its place is taken
_STRIDES = 32  # after so many it moves a thousand times as far

_INSERT = Insert(
    "INSERT INTO lifecycles (key, trace, task, resource, site, acquire_ns, wait_ns, hold_ns, release_ns, outcomes,"
    " body_exception, exception, span_id, span_parent)",
    "?, ?, ?, ?, ?, ?, nullif(?, -1), nullif(?, -1), ?, ?, nullif(?, 0), nullif(?, 0), ?, ?",
)


class SpanTables:
    """Works on the writer's connection, in its transactions."""

    def __init__(self, connection: sqlite3.Connection, interning: Interning, arrivals: Arrivals) -> None:
        self._connection = connection
        self._interning = interning
        self._arrivals = arrivals
        self._parts = SpanParts(connection)

    def forget(self) -> None:
        self._parts.forget()

    def write(self, known: KnownProcess, part: Spans, tallies: CounterDeltas, now_ns: int) -> int:
        """Write the spans that are new, in the order of their keys, in which SQLite is quickest; answer how many."""
        self._connection.execute("INSERT OR IGNORE INTO span_processes VALUES (?)", (known.row,))
        placed = self._place(known, part)
        if placed:
            known.note_latest(self._write(known, part, placed, tallies, now_ns), now_ns)
        return len(placed)

    def _place(self, known: KnownProcess, part: Spans) -> dict[int, SpanRow]:
        """Each span that is new at the first free key on its way, in the order of the keys."""
        low = keys.key(known.row, 0)
        brought = self._brought(part)
        pending = [(low + row[_NUMBER], row) for row in part.rows if row[_ID] not in brought]
        placed: dict[int, SpanRow] = {}
        steps = 0
        while pending:
            found = dict(reversed(pending))  # the first that looks at a key has it, where it is free
            ids: dict[int, int | None] = {key: placed[key][_ID] for key in found if key in placed}
            ids.update(self._stored_at(found))
            for key in ids:
                del found[key]
            placed.update(found)
            pending = [
                (low + _next(keys.number_of(key), row[_ID], steps), row)
                for key, row in pending
                if (ids[key] if key in ids else found[key][_ID]) != row[_ID]  # else it is there, and new to nobody
            ]
            steps += 1
        if steps > _STRIDES:  # they may be seconds away from where their start would have them
            self._interning.note_unordered(known)
        return {key: placed[key] for key in sorted(placed)}

    def _stored_at(self, wanted: Collection[int]) -> list[tuple[int, int | None]]:
        """Those of the keys that are taken, with the ids of the spans there."""
        if not wanted:
            return []
        bounds = min(wanted), max(wanted), len(wanted) + 1
        sql = "SELECT key, span_id FROM lifecycles WHERE key BETWEEN ? AND ? LIMIT ?"
        found = self._connection.execute(sql, bounds).fetchall()
        if len(found) <= len(wanted):  # nearly always: what is new stands behind what is stored
            return [(key, span_id) for key, span_id in found if key in wanted]
        found = []
        ordered = list(wanted)
        for start in range(0, len(ordered), _LOOK_UP):
            some = ordered[start : start + _LOOK_UP]
            sql = f"SELECT key, span_id FROM lifecycles WHERE key IN ({','.join('?' * len(some))})"  # noqa: S608 -- marks only
            found += self._connection.execute(sql, some)
        return found

    def _brought(self, part: Spans) -> set[int]:
        """The ids of spans that a tracer's own batches have brought already, as lifecycles."""
        if part.origin is None:
            return set()
        process = self._connection.execute("SELECT process FROM processes WHERE id = ?", (part.origin,)).fetchone()
        if process is None:
            return set()
        by_key = {}
        for row in part.rows:
            number = keys.number_of_span(row[_ID], part.origin)
            if number is not None:
                by_key[keys.key(process[0], number)] = row[_ID]
        return {by_key[key] for key, _ in self._stored_at(by_key)}

    def _write(
        self, known: KnownProcess, part: Spans, placed: dict[int, SpanRow], tallies: CounterDeltas, now_ns: int
    ) -> int:
        """Answer the latest instant that the spans tell of."""
        batch, interning = part.batch, self._interning
        sites = interning.sites(batch.sites)
        exceptions = interning.exceptions(batch.exceptions, now_ns, {})
        resources = interning.resources(known, batch.resources)
        counted = Counted(len(batch.traces), len(part.tasks), len(resources))
        latest_ns = counted.add(placed)
        counted.add_waits(placed, part.waited)
        traces = self._parts.write_traces(known.row, batch.traces, counted.traces)
        tasks = self._parts.write_tasks(known.row, part.tasks, counted.tasks, traces)
        tallies.add(known.row, len(placed), zip(resources, counted.resources, strict=True))
        _, ids, parents, in_traces, in_tasks, used, at, starts, waits, holds, releases, outcomes, left, raised = zip(
            *placed.values(), strict=True
        )
        values = zip(
            placed,
            map(traces.__getitem__, in_traces),
            map(tasks.__getitem__, in_tasks),
            map(resources.__getitem__, used),
            map(sites.__getitem__, at),
            starts,
            waits,
            holds,
            releases,
            outcomes,
            map(exceptions.__getitem__, left),
            map(exceptions.__getitem__, raised),
            ids,
            parents,
            strict=True,
        )
        _INSERT.run(self._connection, list(chain.from_iterable(values)))
        self._arrivals.note(placed)
        return latest_ns


def _next(number: int, span: int, steps: int) -> int:
    """Where a span looks next: near by at first, ever farther, so that many that begin at once find room soon."""
    stride = (span >> 8 & (1 << _STRIDE_BITS) - 1 | 1) << _STRIDE_BITS * (steps // _STRIDES)
    return (number - 1 + stride) % keys.NUMBERS + 1
