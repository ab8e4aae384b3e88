"""Deletes the oldest, in small transactions between those of the writer, and what nothing refers to any more.

This is the one place where rows that others name are deleted (see ``references``). How old something is, the
collector's clock tells: a closed lifecycle as it came (see ``arrivals``), a process and what it left open as it was
last heard of. What a row itself says of time is never asked.
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
from tenure_server.store.sqlite.file.schema import OPEN, USED_NS
from tenure_server.store.sqlite.file.transactions import roll_back

_VACUUM_PAGES = 2_000
_MAX_GENERATIONS = 20  # of tasks that created tasks, taken away in one sweep
_LOOK_UP = 500  # keys in one query


class _Dead(NamedTuple):
    """A process that is not alive."""

    row: int
    last_seen_ns: int
    is_empty: bool  # no lifecycle of it is stored


class Retention:
    """Works on the writer's connection; each method is one transaction. What the writer has cached may be gone then."""

    def __init__(self, connection: sqlite3.Connection, aliveness: Liveness) -> None:
        self._connection = connection
        self._aliveness = aliveness
        self._arrivals = Arrivals(connection)

    def used_bytes(self) -> int:
        """Bytes of the pages that hold something."""
        return (self._pragma("page_count") - self._pragma("freelist_count")) * self._pragma("page_size")

    def _pragma(self, name: str) -> int:
        value: int
        (value,) = self._connection.execute(f"PRAGMA {name}").fetchone()
        return value

    def file_bytes(self) -> int:
        """Bytes of all pages: the file's size after the next checkpoint."""
        return self._pragma("page_count") * self._pragma("page_size")

    def shrink(self, size: int) -> None:
        """Cut at most so many bytes of unused pages off the file's end."""
        self._vacuum(size // self._pragma("page_size"))

    def _vacuum(self, pages: int) -> None:
        """By ``executescript``: ``execute`` makes one step, which is one page."""
        self._connection.executescript(f"PRAGMA incremental_vacuum({pages})")

    def delete_older(self, instant_ns: int) -> int:
        """Delete some lifecycles that came before the instant and are over; answer how many, 0: none is left."""
        entries = self._oldest(instant_ns)
        if entries:
            return self._delete_entries(entries)
        for process in self._dead():
            if process.last_seen_ns < instant_ns and (left := self._left_open(process)):
                return self._delete(left)
        return 0

    def delete_oldest(self, chunk: int | None = None) -> int:
        """Delete about ``chunk`` of the oldest lifecycles that are over; answer how many, 0: none is left."""
        entries = self._oldest(None, chunk)
        for process in self._dead():
            if entries and entries[0].last_ns <= process.last_seen_ns:
                break
            if left := self._left_open(process):
                return self._delete(left)
        return self._delete_entries(entries) if entries else 0

    def has_empty(self, instant_ns: int) -> bool:
        """Whether a process that was last heard of before the instant is dead, and nothing of it is left."""
        return any(process.is_empty and process.last_seen_ns < instant_ns for process in self._dead())

    def _oldest(self, before_ns: int | None, chunk: int | None = None) -> list[Arrival]:
        """The oldest entries, about ``chunk`` (RETENTION_CHUNK) lifecycles; all of them came before the instant."""
        found: list[Arrival] = []
        lifecycles = 0
        for entry in self._arrivals.oldest():
            lifecycles += entry.lifecycles
            too_many = found and lifecycles > (chunk or RETENTION_CHUNK)
            if too_many or (before_ns is not None and entry.last_ns >= before_ns):
                break
            found.append(entry)
        return found

    def _dead(self) -> list[_Dead]:
        """Those that were silent for longest first."""
        rows = self._connection.execute(
            "SELECT process, ended, last_seen_ns, lifecycles FROM processes ORDER BY last_seen_ns, process"
        )
        return [
            _Dead(row, last_seen_ns, not lifecycles)
            for row, ended, last_seen_ns, lifecycles in rows
            if not self._aliveness.is_alive(ended, last_seen_ns)
        ]

    def _left_open(self, process: _Dead) -> list[int]:
        """Keys of what a dead process left open: it will never close."""
        rows = self._connection.execute(f"SELECT key {OPEN} AND key BETWEEN ? AND ?", _bounds(process.row))
        return [key for (key,) in islice(rows, RETENTION_CHUNK)]

    def _delete_entries(self, entries: Sequence[Arrival]) -> int:
        gone = [key for entry in entries for key in unpack(entry.packed)]
        return self._delete(gone, entries)

    def _delete(self, gone: Sequence[int], entries: Sequence[Arrival] = ()) -> int:
        """Delete lifecycles, the entries that are all theirs, and the traces of which nothing is left."""
        many = self._connection.executemany
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            rows = self._found(gone)
            each = [(key,) for key in gone]
            many("DELETE FROM lifecycles WHERE key = ?", each)
            many("DELETE FROM roots WHERE key = ?", each)
            many("DELETE FROM arrivals WHERE arrival = ?", [(entry.number,) for entry in entries])
            many(
                "UPDATE tasks SET lifecycles = lifecycles - ? WHERE key = ?",
                [(count, task) for task, count in Counter(task for _, _, task in rows).items()],
            )
            many(
                "UPDATE processes SET lifecycles = lifecycles - ? WHERE process = ?",
                [(count, row) for row, count in Counter(keys.process_of(key) for key, _, _ in rows).items()],
            )
            self._delete_traces({trace for _, trace, _ in rows})
            self._connection.execute("COMMIT")
        except BaseException:
            roll_back(self._connection)
            raise
        return len(gone)

    def _found(self, wanted: Sequence[int]) -> list[tuple[int, int, int]]:
        """Key, trace and task of those that are stored."""
        found: list[tuple[int, int, int]] = []
        for start in range(0, len(wanted), _LOOK_UP):
            some = wanted[start : start + _LOOK_UP]
            marks = ",".join("?" * len(some))
            found += self._connection.execute(f"SELECT key, trace, task FROM lifecycles WHERE key IN ({marks})", some)  # noqa: S608 -- marks only
        return found

    def _delete_traces(self, traces: Iterable[int]) -> None:
        """Delete those of the traces that have no lifecycle, and what is known of them by their ids."""
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
        now_ns = self._aliveness.clock()
        first_ns, last_ns = (oldest.first_ns, oldest.last_ns) if oldest else (now_ns, now_ns)
        execute("BEGIN IMMEDIATE")
        try:
            for process in self._dead():
                if process.is_empty and process.last_seen_ns < last_ns:
                    self._delete_process(process.row)
            self._sweep_exceptions(first_ns - 2 * USED_NS)
            self._sweep_tasks()
            execute("DELETE FROM resources WHERE NOT EXISTS (SELECT 1 FROM lifecycles WHERE resource = resources.key)")
            references.delete_dangling(self._connection)
            execute("COMMIT")
        except BaseException:
            roll_back(self._connection)
            raise
        self._vacuum(_VACUUM_PAGES)

    def _delete_process(self, row: int) -> None:
        """Delete a process that has no lifecycles. Traces that it began live on in those of others."""
        execute = self._connection.execute
        bounds = _bounds(row)
        execute("DELETE FROM processes WHERE process = ?", (row,))
        traces = execute("SELECT key FROM traces WHERE key BETWEEN ? AND ?", bounds)
        references.adopt_traces(self._connection, [key for (key,) in traces.fetchall()])
        execute("DELETE FROM exceptions WHERE canceller BETWEEN ? AND ?", bounds)
        for table in ("tasks", "resources", "roots"):
            execute(f"DELETE FROM {table} WHERE key BETWEEN ? AND ?", bounds)  # noqa: S608 -- a table of ours
        (highest,) = execute("SELECT max(deleted) FROM process_rows").fetchone()
        execute("DELETE FROM process_rows")
        execute("INSERT INTO process_rows VALUES (?)", (max(row, highest or 0),))

    def _sweep_exceptions(self, instant_ns: int) -> None:
        """Delete what came last before the instant, but for that of tasks, and of lifecycles that are still open."""
        self._connection.execute(
            "DELETE FROM exceptions WHERE used_ns < ? AND exception NOT IN ("  # noqa: S608 -- our own words
            f" SELECT ifnull(body_exception, 0) {OPEN} UNION SELECT ifnull(exception, 0) {OPEN}"
            " UNION SELECT exception FROM tasks WHERE exception IS NOT NULL)",
            (instant_ns,),
        )

    def _sweep_tasks(self) -> None:
        """Delete tasks that finished and of which nothing is stored, neither a lifecycle nor a task that they made."""
        for _ in range(_MAX_GENERATIONS):
            deleted = self._connection.execute(
                "DELETE FROM tasks WHERE lifecycles = 0 AND finished_ns IS NOT NULL"
                " AND NOT EXISTS (SELECT 1 FROM tasks AS child WHERE child.parent = tasks.key)"
                " AND key NOT IN (SELECT canceller FROM exceptions)"
            ).rowcount
            if not deleted:
                break


def _bounds(process: int) -> tuple[int, int]:
    return keys.key(process, 0), keys.key(process, keys.NUMBERS)
