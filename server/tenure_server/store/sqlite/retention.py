"""Deletes the oldest, in small transactions between those of the writer, and what nothing refers to any more."""

from __future__ import annotations

import sqlite3
from collections import Counter

from tenure_server.limits import RETENTION_CHUNK
from tenure_server.store.sqlite import keys
from tenure_server.store.sqlite.aliveness import Aliveness
from tenure_server.store.sqlite.interning import USED_NS
from tenure_server.store.sqlite.reading import LIFECYCLES

_VACUUM_PAGES = 2_000
_MAX_GENERATIONS = 20  # of tasks that created tasks, taken away in one sweep


class Retention:
    """Works on the writer's connection; each method is one transaction."""

    def __init__(self, connection: sqlite3.Connection, aliveness: Aliveness) -> None:
        self._connection = connection
        self._aliveness = aliveness

    def used_bytes(self) -> int:
        """Bytes of the pages that hold something."""
        return (self._pragma("page_count") - self._pragma("freelist_count")) * self._pragma("page_size")

    def _pragma(self, name: str) -> int:
        value: int
        (value,) = self._connection.execute(f"PRAGMA {name}").fetchone()
        return value

    def delete_older(self, instant_ns: int) -> int:
        """Delete some lifecycles that began before the instant and are over; answer how many, 0: none is left."""
        for process, alive in self._processes():
            low, high = LIFECYCLES.keys_between(self._connection, process, None, instant_ns)
            if count := self._delete(low, high, "acquire_ns < ?", [instant_ns], alive=alive):
                return count
        return 0

    def delete_oldest(self) -> int:
        """Delete some of the oldest lifecycles that are over; answer how many, 0: none is left."""
        oldest = []
        for process, alive in self._processes():
            bounds = keys.key(process, 0), keys.key(process, keys.NUMBERS)
            found = self._connection.execute(
                "SELECT acquire_ns FROM lifecycles WHERE key BETWEEN ? AND ? ORDER BY key LIMIT 1", bounds
            ).fetchone()
            if found:
                oldest.append((found[0], bounds, alive))
        for _, bounds, alive in sorted(oldest):
            if count := self._delete(*bounds, "true", [], alive=alive):
                return count
        return 0

    def _processes(self) -> list[tuple[int, bool]]:
        rows = self._connection.execute("SELECT process, ended, last_seen_ns FROM processes ORDER BY process")
        return [(process, self._aliveness.is_alive(*facts)) for process, *facts in rows]

    def _delete(self, low: int, high: int, where: str, values: list[int], *, alive: bool) -> int:
        over = "release_ns IS NOT NULL" if alive else "true"  # what a dead process left open will never close
        rows = self._connection.execute(
            f"SELECT key, trace, task FROM lifecycles WHERE key BETWEEN ? AND ? AND {where} AND {over}"  # noqa: S608 -- our own words
            " ORDER BY key LIMIT ?",
            [low, high, *values, RETENTION_CHUNK],
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
                "DELETE FROM traces WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM lifecycles WHERE trace = ?1)",
                [(trace,) for trace in {trace for _, trace, _ in rows}],
            )
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        return len(rows)

    def sweep(self) -> None:
        """Delete tasks, resources, exceptions and processes that no stored lifecycle needs."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            oldest_ns = self._oldest_ns()
            dead = [process for process, alive in self._processes() if not alive]
            for _ in range(_MAX_GENERATIONS):
                deleted = execute(
                    "DELETE FROM tasks WHERE lifecycles = 0 AND finished_ns < ?"
                    " AND NOT EXISTS (SELECT 1 FROM tasks AS child WHERE child.parent = tasks.key)",
                    (oldest_ns,),
                ).rowcount
                if not deleted:
                    break
            execute(
                "DELETE FROM resources WHERE used_ns < ?"
                " AND NOT EXISTS (SELECT 1 FROM lifecycles WHERE resource = resources.key)",
                (oldest_ns,),
            )
            execute("DELETE FROM exceptions WHERE used_ns < ?", (oldest_ns - USED_NS,))
            execute("DELETE FROM otel_traces WHERE trace NOT IN (SELECT key FROM traces WHERE otel_id IS NOT NULL)")
            execute(
                "DELETE FROM otel_trace_processes WHERE trace NOT IN (SELECT key FROM traces WHERE otel_id IS NOT NULL)"
            )
            for process in dead:
                self._delete_process(process, oldest_ns)
            execute("COMMIT")
        except BaseException:
            execute("ROLLBACK")
            raise
        execute(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})").fetchall()

    def _oldest_ns(self) -> int:
        """When the oldest closed lifecycle began that is stored; now, where there is none."""
        oldest = self._aliveness.clock()
        for process, _ in self._processes():
            found = self._connection.execute(
                "SELECT acquire_ns FROM lifecycles WHERE key BETWEEN ? AND ? AND release_ns IS NOT NULL"
                " ORDER BY key LIMIT 1",
                (keys.key(process, 0), keys.key(process, keys.NUMBERS)),
            ).fetchone()
            if found:
                oldest = min(oldest, found[0])
        return oldest

    def _delete_process(self, process: int, oldest_ns: int) -> None:
        gone = self._connection.execute(
            "DELETE FROM processes WHERE process = ? AND lifecycles = 0 AND last_seen_ns < ?", (process, oldest_ns)
        ).rowcount
        if not gone:
            return
        for table in ("tasks", "resources"):
            self._connection.execute(
                f"DELETE FROM {table} WHERE key BETWEEN ? AND ?",  # noqa: S608 -- tables of ours
                (keys.key(process, 0), keys.key(process, keys.NUMBERS)),
            )
        self._connection.execute("DELETE FROM batches_ahead WHERE process = ?", (process,))
