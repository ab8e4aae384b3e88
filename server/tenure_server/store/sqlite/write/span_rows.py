"""Writes spans as rows of ``lifecycles``: closed lifecycles that no batch of a tracer has.

A tracer numbers its lifecycles, and makes their span ids from the numbers. A span has only its id, so its number is
made from its start (see ``Spans``), and its row keeps its id and its parent's. There is no index by id. A span that is
sent again is found by its start; a parent is searched among the lifecycles of its trace.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Final

from tenure_server.store.protocol import SpanRow, Spans
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.arrivals import Arrivals
from tenure_server.store.sqlite.write.counter_deltas import CounterDeltas
from tenure_server.store.sqlite.write.interning import Interning, KnownProcess
from tenure_server.store.sqlite.write.multi_row_insert import MultiRowInsert
from tenure_server.store.sqlite.write.span_tasks import SpanDeltas, SpanParts

_NUMBER: Final = 0  # indexes of a SpanRow
_ID: Final = 1
_RELEASER: Final = 15
_CHUNK = 500  # keys in one query
_STRIDE_BITS = 10  # of a span's id: the distance to the next number that it tries
_STRIDES = 32  # after so many attempts the distance is a thousand times as long

_INSERT: MultiRowInsert[tuple[int, ...]] = MultiRowInsert(
    "INSERT INTO lifecycles (key, trace, task, resource, site, acquire_ns, wait_ns, hold_ns, release_ns, outcomes,"
    " body_exception, exception, span_id, span_parent, status, released_by)",
    "?, ?, ?, ?, ?, ?, nullif(?, -1), nullif(?, -1), ?, ?, nullif(?, 0), nullif(?, 0), ?, ?, ?, nullif(?, 0)",
)


class SpanTables:
    """Writes spans. Works on the writer's connection, in its transactions."""

    def __init__(self, connection: sqlite3.Connection, interning: Interning, arrivals: Arrivals) -> None:
        self._connection = connection
        self._interning = interning
        self._arrivals = arrivals
        self._parts = SpanParts(connection)

    def forget(self) -> None:
        self._parts.forget()

    def write(self, process: KnownProcess, spans: Spans, deltas: CounterDeltas, now_ns: int) -> int:
        """Write the new ones of the spans, in the order of their keys, which is the fastest one; answer how many."""
        self._connection.execute("INSERT OR IGNORE INTO span_processes VALUES (?)", (process.row,))
        placed = self._place(process, spans)
        if placed:
            process.note_latest(self._write(process, spans, placed, deltas, now_ns), now_ns)
        return len(placed)

    def _place(self, process: KnownProcess, spans: Spans) -> dict[int, SpanRow]:
        """The new ones of the spans by their keys, in the order of the keys: each has the first free key it tries."""
        low = keys.key(process.row, 0)
        stored_by_tracer = self._stored_by_tracer(spans)
        pending = [(low + row[_NUMBER], row) for row in spans.rows if row[_ID] not in stored_by_tracer]
        placed: dict[int, SpanRow] = {}
        steps = 0
        while pending:
            candidates = dict(reversed(pending))  # of several spans that try one key, the first gets it
            taken: dict[int, int | None] = {key: placed[key][_ID] for key in candidates if key in placed}
            taken.update(self._stored_at(candidates))
            for key in taken:
                del candidates[key]
            placed.update(candidates)
            pending = [
                (low + _next_number(keys.number_of(key), row[_ID], steps), row)
                for key, row in pending
                if (taken[key] if key in taken else candidates[key][_ID]) != row[_ID]  # equal: this span is stored
            ]
            steps += 1
        if steps > _STRIDES:  # these keys may be seconds away from those of their start
            self._interning.note_unordered(process)
        return {key: placed[key] for key in sorted(placed)}

    def _stored_at(self, wanted: Collection[int]) -> list[tuple[int, int | None]]:
        """Those of the keys that are taken, with the ids of their spans."""
        if not wanted:
            return []
        bounds = min(wanted), max(wanted), len(wanted) + 1
        sql = "SELECT key, span_id FROM lifecycles WHERE key BETWEEN ? AND ? LIMIT ?"
        rows = self._connection.execute(sql, bounds).fetchall()
        if len(rows) <= len(wanted):  # nearly always: new spans are later than stored ones
            return [(key, span_id) for key, span_id in rows if key in wanted]
        rows = []
        ordered = list(wanted)
        for start in range(0, len(ordered), _CHUNK):
            chunk = ordered[start : start + _CHUNK]
            sql = f"SELECT key, span_id FROM lifecycles WHERE key IN ({','.join('?' * len(chunk))})"  # noqa: S608 -- marks only
            rows += self._connection.execute(sql, chunk)
        return rows

    def _stored_by_tracer(self, spans: Spans) -> set[int]:
        """The ids of those of the spans that a tracer has sent already, as lifecycles."""
        if spans.origin is None:
            return set()
        process = self._connection.execute("SELECT process FROM processes WHERE id = ?", (spans.origin,)).fetchone()
        if process is None:
            return set()
        by_key = {}
        for row in spans.rows:
            number = keys.number_of_span(row[_ID], spans.origin)
            if number is not None:
                by_key[keys.key(process[0], number)] = row[_ID]
        return {by_key[key] for key, _ in self._stored_at(by_key)}

    def _write(
        self, process: KnownProcess, spans: Spans, placed: dict[int, SpanRow], deltas: CounterDeltas, now_ns: int
    ) -> int:
        """Answer the latest instant of the spans, ns."""
        batch, interning = spans.batch, self._interning
        sites = interning.sites(batch.sites)
        exceptions = interning.exceptions(batch.exceptions, now_ns, {})
        resources = interning.resources(process, batch.resources)
        counts = SpanDeltas(len(batch.traces), len(spans.tasks), len(resources))
        latest_ns = counts.add(placed)
        counts.add_waits(placed, spans.waited)
        traces = self._parts.write_traces(process.row, batch.traces, counts.traces)
        released_by = {row[_RELEASER] - 1 for row in placed.values() if row[_RELEASER]}
        tasks = self._parts.write_tasks(process.row, spans.tasks, counts.tasks, traces)
        releasers = [0, *self._parts.write_releasers(process.row, spans.tasks, released_by, tasks)]
        deltas.add(process.row, len(placed), zip(resources, counts.resources, strict=True))
        (
            _,
            ids,
            parents,
            in_traces,
            in_tasks,
            used,
            at,
            starts,
            waits,
            holds,
            releases,
            outcomes,
            left,
            raised,
            answers,
            released,
        ) = zip(*placed.values(), strict=True)
        rows = zip(
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
            answers,
            map(releasers.__getitem__, released),
            strict=True,
        )
        _INSERT.run(self._connection, rows)
        self._arrivals.note(placed)
        return latest_ns


def _next_number(number: int, span_id: int, steps: int) -> int:
    """The number that a span tries next: near at first, then further away, for the case that many begin at once."""
    stride = (span_id >> 8 & (1 << _STRIDE_BITS) - 1 | 1) << _STRIDE_BITS * (steps // _STRIDES)
    return (number - 1 + stride) % keys.NUMBERS + 1
