"""Deletes the oldest, in small transactions between those of the writer, and what nothing refers to any more."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import NamedTuple

from tenure_server.limits import RETENTION_CHUNK
from tenure_server.store.sqlite import keys
from tenure_server.store.sqlite.aliveness import Aliveness
from tenure_server.store.sqlite.interning import USED_NS
from tenure_server.store.sqlite.reading import LIFECYCLES
from tenure_server.store.sqlite.transactions import roll_back

_VACUUM_PAGES = 2_000
_MAX_GENERATIONS = 20  # of tasks that created tasks, taken away in one sweep


class _Process(NamedTuple):
    row: int
    skew_ns: int  # to be added to its clock's instants to get the collector's
    is_alive: bool


class Retention:
    """Works on the writer's connection; each method is one transaction."""

    def __init__(self, connection: sqlite3.Connection, aliveness: Aliveness) -> None:
        self._connection = connection
        self._aliveness = aliveness

    def used_bytes(self) -> int:
        """Bytes of the pages that hold something."""
        return (self._pragma("page_count") - self._pragma("freelist_count")) * self._pragma("page_size")

    def file_bytes(self) -> int:
        """Bytes of all pages: the file's size after the next checkpoint."""
        return self._pragma("page_count") * self._pragma("page_size")

    def shrink(self, size: int) -> None:
        """Cut at most so many bytes of unused pages off the file's end."""
        self._vacuum(size // self._pragma("page_size"))

    def _vacuum(self, pages: int) -> None:
        """By ``executescript``: ``execute`` makes one step, which is one page."""
        self._connection.executescript(f"PRAGMA incremental_vacuum({pages})")

    def _pragma(self, name: str) -> int:
        value: int
        (value,) = self._connection.execute(f"PRAGMA {name}").fetchone()
        return value

    def delete_older(self, instant_ns: int) -> int:
        """Delete some lifecycles that began before the instant and are over; answer how many, 0: none is left."""
        for process in self._processes():
            until_ns = instant_ns - process.skew_ns
            low, high = LIFECYCLES.keys_between(self._connection, process.row, None, until_ns)
            if count := self._delete(low, high, "acquire_ns < ?", [until_ns], alive=process.is_alive):
                return count
        return 0

    def delete_oldest(self, chunk: int = RETENTION_CHUNK) -> int:
        """Delete at most ``chunk`` of the oldest lifecycles that are over; answer how many, 0: none is left."""
        oldest = [
            (began_ns + process.skew_ns, process.row, process.is_alive)
            for process in self._processes()
            if (began_ns := self._oldest_ns(process.row, "true")) is not None
        ]
        for _, process, alive in sorted(oldest):
            if count := self._delete(*_bounds(process), "true", [], alive=alive, chunk=chunk):
                return count
        return 0

    def _processes(self) -> list[_Process]:
        rows = self._connection.execute("SELECT process, ended, last_seen_ns, skew_ns FROM processes ORDER BY process")
        return [
            _Process(row, skew_ns, self._aliveness.is_alive(ended, last_seen_ns))
            for row, ended, last_seen_ns, skew_ns in rows
        ]

    def _oldest_ns(self, process: int, where: str) -> int | None:
        """When the first of a process's lifecycles began, by its own clock."""
        found = self._connection.execute(
            f"SELECT acquire_ns FROM lifecycles WHERE key BETWEEN ? AND ? AND {where} ORDER BY key LIMIT 1",  # noqa: S608 -- our own words
            _bounds(process),
        ).fetchone()
        return found[0] if found else None

    def _delete(
        self, low: int, high: int, where: str, values: list[int], *, alive: bool, chunk: int = RETENTION_CHUNK
    ) -> int:
        over = "release_ns IS NOT NULL" if alive else "true"  # what a dead process left open will never close
        rows = self._connection.execute(
            f"SELECT key, trace, task FROM lifecycles WHERE key BETWEEN ? AND ? AND {where} AND {over}"  # noqa: S608 -- our own words
            " ORDER BY key LIMIT ?",
            [low, high, *values, chunk],
        ).fetchall()
        if not rows:
            return 0
        many = self._connection.executemany
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            gone = [(key,) for key, _, _ in rows]
            many("DELETE FROM lifecycles WHERE key = ?", gone)
            many("DELETE FROM roots WHERE key = ?", gone)
            many(
                "UPDATE tasks SET lifecycles = lifecycles - ? WHERE key = ?",
                [(count, task) for task, count in Counter(task for _, _, task in rows).items()],
            )
            self._connection.execute(
                "UPDATE processes SET lifecycles = lifecycles - ? WHERE process = ?", (len(rows), keys.process_of(low))
            )
            many(
                "DELETE FROM traces WHERE key = ? AND NOT EXISTS (SELECT 1 FROM lifecycles WHERE trace = ?)",
                [(trace, trace) for trace in {trace for _, trace, _ in rows}],
            )
            self._connection.execute("COMMIT")
        except BaseException:
            roll_back(self._connection)
            raise
        return len(rows)

    def sweep(self) -> None:
        """Delete tasks, resources, exceptions and processes that no stored lifecycle needs."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            oldest_ns = now_ns = self._aliveness.clock()
            for process in self._processes():
                began_ns = self._oldest_ns(process.row, "release_ns IS NOT NULL")
                if began_ns is None:
                    began_ns = now_ns - process.skew_ns
                oldest_ns = min(oldest_ns, began_ns + process.skew_ns)
                self._sweep_process(process, began_ns)
            execute("DELETE FROM exceptions WHERE used_ns < ?", (oldest_ns - USED_NS,))
            for table in ("otel_traces", "otel_trace_processes"):
                execute(
                    f"DELETE FROM {table}"  # noqa: S608 -- a table of ours
                    " WHERE trace NOT IN (SELECT key FROM traces WHERE otel_id IS NOT NULL)"
                )
            execute("DELETE FROM span_processes WHERE process NOT IN (SELECT process FROM processes)")
            execute("COMMIT")
        except BaseException:
            roll_back(self._connection)
            raise
        self._vacuum(_VACUUM_PAGES)

    def _sweep_process(self, process: _Process, began_ns: int) -> None:
        """Delete what was over before the process's oldest closed lifecycle; a dead one that has none, whole."""
        execute = self._connection.execute
        bounds = _bounds(process.row)
        gone = 0
        if not process.is_alive:
            gone = execute(
                "DELETE FROM processes WHERE process = ? AND lifecycles = 0 AND last_seen_ns < ?",
                (process.row, began_ns + process.skew_ns),
            ).rowcount
        if gone:
            for table in ("tasks", "resources"):
                execute(f"DELETE FROM {table} WHERE key BETWEEN ? AND ?", bounds)  # noqa: S608 -- a table of ours
            execute("DELETE FROM batches_ahead WHERE process = ?", (process.row,))
            execute("DELETE FROM series WHERE process = ?", (process.row,))
            self._sweep_series(bounds)
            return
        for _ in range(_MAX_GENERATIONS):
            deleted = execute(
                "DELETE FROM tasks WHERE key BETWEEN ? AND ? AND lifecycles = 0 AND finished_ns < ?"
                " AND NOT EXISTS (SELECT 1 FROM tasks AS child WHERE child.parent = tasks.key)",
                (*bounds, began_ns),
            ).rowcount
            if not deleted:
                break
        execute(
            "DELETE FROM resources WHERE used_ns < ? AND key BETWEEN ? AND ?"
            " AND NOT EXISTS (SELECT 1 FROM lifecycles WHERE resource = resources.key)",
            (began_ns, *bounds),
        )
        self._sweep_series(bounds)

    def _sweep_series(self, bounds: tuple[int, int]) -> None:
        """Forget what resources that are gone counted as; what they counted stays in their series."""
        for table in ("series_resources", "pools"):
            self._connection.execute(
                f"DELETE FROM {table} WHERE resource BETWEEN ? AND ?"  # noqa: S608 -- a table of ours
                " AND NOT EXISTS (SELECT 1 FROM resources WHERE key = resource)",
                bounds,
            )


def _bounds(process: int) -> tuple[int, int]:
    return keys.key(process, 0), keys.key(process, keys.NUMBERS)
