"""Deletes the oldest lifecycles, in small transactions between those of the writer, and rows that none refers to.

Only this module deletes rows that others refer to (see ``references``). Age counts by the collector's clock: a
closed lifecycle has the age of its arrival (see ``arrivals``), a process and what it left open that of its last batch.
The times in the rows themselves are not used.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from tenure_server.limits import RETENTION_CHUNK
from tenure_server.store.sqlite.file import keys, references
from tenure_server.store.sqlite.file.arrivals import Arrival, Arrivals, unpack
from tenure_server.store.sqlite.file.liveness import Liveness
from tenure_server.store.sqlite.file.rows import INTERNAL
from tenure_server.store.sqlite.file.schema import OPEN, USED_NS
from tenure_server.store.sqlite.file.transactions import roll_back

_VACUUM_PAGES = 2_000
_MAX_GENERATIONS = 20  # of tasks that created tasks, deleted in one sweep
_CHUNK = 500  # keys in one query


class _DeadProcess(NamedTuple):
    """A process that is not alive."""

    row: int
    last_seen_ns: int
    is_empty: bool  # none of its lifecycles is stored


class _Stored(NamedTuple):
    """What is needed of a lifecycle that is deleted; ``is_internal`` is not 0: a library entered it for itself."""

    key: int
    trace: int
    task: int
    is_internal: int


class Retention:
    """Works on the writer's connection; each method is one transaction. The writer must clear its caches afterwards."""

    def __init__(self, connection: sqlite3.Connection, liveness: Liveness) -> None:
        self._connection = connection
        self._liveness = liveness
        self._arrivals = Arrivals(connection)

    def used_bytes(self) -> int:
        """Bytes of the pages in use."""
        return (self._pragma("page_count") - self._pragma("freelist_count")) * self._pragma("page_size")

    def _pragma(self, name: str) -> int:
        value: int
        (value,) = self._connection.execute(f"PRAGMA {name}").fetchone()
        return value

    def file_bytes(self) -> int:
        """Bytes of all pages: the file's size after the next checkpoint."""
        return self._pragma("page_count") * self._pragma("page_size")

    def shrink(self, size: int) -> None:
        """Remove unused pages from the file's end, at most ``size`` bytes."""
        self._vacuum(size // self._pragma("page_size"))

    def _vacuum(self, pages: int) -> None:
        """Use ``executescript``: ``execute`` makes one step, which is one page."""
        self._connection.executescript(f"PRAGMA incremental_vacuum({pages})")

    def delete_older(self, instant_ns: int) -> int:
        """Delete some of the lifecycles that arrived before the instant and are not open; answer how many, 0: all are.

        What a dead process left open counts as not open.
        """
        entries = self._oldest_entries(instant_ns)
        if entries:
            return self._delete_entries(entries)
        for process in self._dead_processes():
            if process.last_seen_ns < instant_ns and (left := self._left_open(process)):
                return self._delete(left)
        self._delete_stalls(instant_ns)
        return 0

    def _delete_stalls(self, instant_ns: int) -> None:
        """Delete the stalls that were over before the instant, by the collector's clock."""
        skew = "(SELECT skew_ns FROM processes WHERE processes.process = stalls.process)"
        self._connection.execute(
            f"DELETE FROM stalls WHERE begin_ns + duration_ns + ifnull({skew}, 0) < ?",  # noqa: S608 -- constant names
            (instant_ns,),
        )

    def delete_oldest(self, chunk: int | None = None) -> int:
        """Delete about ``chunk`` of the oldest lifecycles that are not open; answer how many, 0: all are open."""
        entries = self._oldest_entries(None, chunk)
        for process in self._dead_processes():
            if entries and entries[0].last_ns <= process.last_seen_ns:
                break
            if left := self._left_open(process):
                return self._delete(left)
        return self._delete_entries(entries) if entries else 0

    def has_empty_process(self, instant_ns: int) -> bool:
        """Whether a dead process has no stored lifecycle and sent its last batch before the instant."""
        return any(process.is_empty and process.last_seen_ns < instant_ns for process in self._dead_processes())

    def _oldest_entries(self, before_ns: int | None, chunk: int | None = None) -> list[Arrival]:
        """The oldest entries that arrived before the instant, about ``chunk`` (RETENTION_CHUNK) lifecycles."""
        entries: list[Arrival] = []
        lifecycles = 0
        for entry in self._arrivals.oldest():
            lifecycles += entry.lifecycles
            too_many = entries and lifecycles > (chunk or RETENTION_CHUNK)
            if too_many or (before_ns is not None and entry.last_ns >= before_ns):
                break
            entries.append(entry)
        return entries

    def _dead_processes(self) -> list[_DeadProcess]:
        """The processes that are not alive; first the one that has been silent for longest."""
        rows = self._connection.execute(
            "SELECT process, ended, last_seen_ns, lifecycles FROM processes ORDER BY last_seen_ns, process"
        )
        return [
            _DeadProcess(row, last_seen_ns, not lifecycles)
            for row, ended, last_seen_ns, lifecycles in rows
            if not self._liveness.is_alive(ended, last_seen_ns)
        ]

    def _left_open(self, process: _DeadProcess) -> list[int]:
        """Keys of the lifecycles that a dead process left open: they will never close."""
        rows = self._connection.execute(f"SELECT key {OPEN} AND key BETWEEN ? AND ?", _bounds(process.row))
        return [key for (key,) in islice(rows, RETENTION_CHUNK)]

    def _delete_entries(self, entries: Sequence[Arrival]) -> int:
        gone = [key for entry in entries for key in unpack(entry.packed)]
        return self._delete(gone, entries)

    def _delete(self, gone: Sequence[int], entries: Sequence[Arrival] = ()) -> int:
        """Delete lifecycles, the entries that have no others, and traces that have no lifecycle left."""
        many = self._connection.executemany
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            rows = self._stored(gone)
            each = [(key,) for key in gone]
            many("DELETE FROM lifecycles WHERE key = ?", each)
            many("DELETE FROM roots WHERE key = ?", each)
            many("DELETE FROM arrivals WHERE arrival = ?", [(entry.number,) for entry in entries])
            many(
                "UPDATE tasks SET lifecycles = lifecycles - ?, internal = internal - ? WHERE key = ?",
                _counts((row.task, row.is_internal) for row in rows),
            )
            many(
                "UPDATE processes SET lifecycles = lifecycles - ?, internal = internal - ? WHERE process = ?",
                _counts((keys.process_of(row.key), row.is_internal) for row in rows),
            )
            self._delete_traces({row.trace for row in rows})
            self._connection.execute("COMMIT")
        except BaseException:
            roll_back(self._connection)
            raise
        return len(gone)

    def _stored(self, wanted: Sequence[int]) -> list[_Stored]:
        """Those that are stored."""
        rows: list[_Stored] = []
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            sql = f"SELECT key, trace, task, outcomes & {INTERNAL} FROM lifecycles WHERE key IN ({marks})"  # noqa: S608 -- marks only
            rows += map(_Stored._make, self._connection.execute(sql, chunk))
        return rows

    def _delete_traces(self, traces: Iterable[int]) -> None:
        """Delete those of the traces that have no lifecycle, with their OpenTelemetry ids and processes."""
        execute = self._connection.execute
        for trace in traces:
            gone = execute(
                "DELETE FROM traces WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM lifecycles WHERE trace = ?1)"
                " RETURNING otel_id",
                (trace,),
            ).fetchone()
            if gone and gone[0] is not None:
                execute("DELETE FROM otel_traces WHERE id = ?", gone)
                execute("DELETE FROM otel_trace_processes WHERE trace = ?", (trace,))

    def sweep(self) -> None:
        """Delete tasks, resources, exceptions and processes that no stored lifecycle needs."""
        execute = self._connection.execute
        oldest = next(self._arrivals.oldest(), None)
        now_ns = self._liveness.clock()
        first_ns, last_ns = (oldest.first_ns, oldest.last_ns) if oldest else (now_ns, now_ns)
        execute("BEGIN IMMEDIATE")
        try:
            for process in self._dead_processes():
                if process.is_empty and process.last_seen_ns < last_ns:
                    self._delete_process(process.row)
            self._sweep_exceptions(first_ns - 2 * USED_NS)
            self._sweep_tasks()
            execute(
                "DELETE FROM resources WHERE NOT EXISTS (SELECT 1 FROM lifecycles WHERE resource = resources.key)"
                " AND key NOT IN (SELECT resource FROM awaits WHERE resource IS NOT NULL)"
            )
            references.delete_dangling(self._connection)
            execute("COMMIT")
        except BaseException:
            roll_back(self._connection)
            raise
        self._vacuum(_VACUUM_PAGES)

    def _delete_process(self, row: int) -> None:
        """Delete a process that has no lifecycles. Traces that it began go to other processes (``adopt_traces``)."""
        execute = self._connection.execute
        bounds = _bounds(row)
        execute("DELETE FROM processes WHERE process = ?", (row,))
        traces = execute("SELECT key FROM traces WHERE key BETWEEN ? AND ?", bounds)
        references.adopt_traces(self._connection, [key for (key,) in traces.fetchall()])
        execute("DELETE FROM exceptions WHERE canceller BETWEEN ? AND ?", bounds)
        execute("DELETE FROM awaits WHERE task BETWEEN ? AND ?", bounds)
        execute("DELETE FROM stalls WHERE process = ?", (row,))
        for table in ("tasks", "resources", "roots"):
            execute(f"DELETE FROM {table} WHERE key BETWEEN ? AND ?", bounds)  # noqa: S608 -- constant names
        (highest,) = execute("SELECT max(deleted) FROM process_rows").fetchone()
        execute("DELETE FROM process_rows")
        execute("INSERT INTO process_rows VALUES (?)", (max(row, highest or 0),))

    def _sweep_exceptions(self, instant_ns: int) -> None:
        """Delete exceptions last used before the instant, except those of tasks and of open lifecycles."""
        self._connection.execute(
            "DELETE FROM exceptions WHERE used_ns < ? AND exception NOT IN ("  # noqa: S608 -- constant names
            f" SELECT ifnull(body_exception, 0) {OPEN} UNION SELECT ifnull(exception, 0) {OPEN}"
            " UNION SELECT exception FROM tasks WHERE exception IS NOT NULL)",
            (instant_ns,),
        )

    def _sweep_tasks(self) -> None:
        """Delete finished tasks that have no stored lifecycle and no stored child task, and released nothing stored."""
        for _ in range(_MAX_GENERATIONS):
            deleted = self._connection.execute(
                "DELETE FROM tasks WHERE lifecycles = 0 AND finished_ns IS NOT NULL"
                " AND NOT EXISTS (SELECT 1 FROM tasks AS child WHERE child.parent = tasks.key)"
                " AND key NOT IN (SELECT canceller FROM exceptions)"
                " AND key NOT IN (SELECT task FROM stalls WHERE task IS NOT NULL)"
                " AND NOT EXISTS (SELECT 1 FROM lifecycles WHERE released_by = tasks.key)"
            ).rowcount
            if not deleted:
                break


def _counts(rows: Iterable[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """How many rows, how many internal ones, and the key; of pairs of key and ``is_internal``."""
    pairs = list(rows)
    internal = Counter(key for key, is_internal in pairs if is_internal)
    return [(count, internal[key], key) for key, count in Counter(key for key, _ in pairs).items()]


def _bounds(process: int) -> tuple[int, int]:
    return keys.key(process, 0), keys.key(process, keys.NUMBERS)
