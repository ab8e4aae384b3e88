"""Writes what tasks await and which event loops stood still.

Of a task only the latest is kept, and nothing once it is finished. A process has at most MAX_STALLS stalls, the newest.
"""

from __future__ import annotations

import sqlite3

import msgspec

from tenure import wire
from tenure_server.limits import MAX_STALLS
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.write.interning import Interning, KnownProcess

_TRIM_EVERY = 100  # stalls
_MAX_PROCESSES = 256

_SET_AWAIT = "INSERT OR REPLACE INTO awaits VALUES (?, ?, ?, ?, ?)"
_SET_STALL = (
    "INSERT INTO stalls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (process, begin_ns, loop) DO UPDATE SET"
    " duration_ns = max(duration_ns, excluded.duration_ns), is_over = max(is_over, excluded.is_over),"
    " task = coalesce(excluded.task, task), site = coalesce(excluded.site, site), stack = excluded.stack"
)


class ObservationTables:
    """Works in the writer's transaction."""

    def __init__(self, connection: sqlite3.Connection, interning: Interning) -> None:
        self._connection = connection
        self._interning = interning
        self._awaiting: dict[int, set[int]] = {}  # by process: keys of the tasks that have a row
        self._untrimmed = 0

    def forget(self) -> None:
        """Clear the cache: rows were deleted, or a transaction was rolled back."""
        self._awaiting.clear()

    def write(self, process: KnownProcess, batch: wire.Batch, *, is_newest: bool) -> None:
        """Write those of a batch. Of one that arrives late, only the stalls: its awaits are over."""
        finished = [keys.key(process.row, task.id) for task in batch.tasks if task.finished_ns is not None]
        if finished or batch.awaits:
            self._write_awaits(process, batch, batch.awaits if is_newest else [], finished)
        if batch.stalls:
            self._write_stalls(process, batch)

    def _write_awaits(
        self, process: KnownProcess, batch: wire.Batch, awaits: list[wire.Await], finished: list[int]
    ) -> None:
        awaiting = self._load(process.row)
        gone, rows = set(finished), []
        for entry in awaits:
            task = keys.key(process.row, batch.tasks[entry.task].id)
            if not entry.awaited:
                gone.add(task)
            elif task not in gone:
                rows.append(
                    (
                        task,
                        entry.since_ns + batch.clock_offset_ns,
                        entry.awaited,
                        self._site(batch, entry.site),
                        keys.key(process.row, batch.resources[entry.resource - 1].id) if entry.resource else None,
                    )
                )
        gone &= awaiting
        if gone:
            self._connection.executemany("DELETE FROM awaits WHERE task = ?", [(task,) for task in gone])
            awaiting -= gone
        if rows:
            self._connection.executemany(_SET_AWAIT, rows)
            awaiting.update(task for task, *_ in rows)

    def _load(self, process: int) -> set[int]:
        awaiting = self._awaiting.get(process)
        if awaiting is None:
            if len(self._awaiting) >= _MAX_PROCESSES:
                self._awaiting.clear()
            bounds = keys.key(process, 0), keys.key(process, keys.NUMBERS)
            rows = self._connection.execute("SELECT task FROM awaits WHERE task BETWEEN ? AND ?", bounds)
            awaiting = self._awaiting[process] = {task for (task,) in rows}
        return awaiting

    def _site(self, batch: wire.Batch, number: int) -> int | None:
        return self._interning.sites([batch.sites[number - 1]])[0] if number else None

    def _write_stalls(self, process: KnownProcess, batch: wire.Batch) -> None:
        rows = [
            (
                process.row,
                stall.loop,
                stall.begin_ns + batch.clock_offset_ns,
                stall.duration_ns,
                stall.is_over,
                stall.thread,
                keys.key(process.row, batch.tasks[stall.task - 1].id) if stall.task else None,
                self._site(batch, stall.site),
                msgspec.msgpack.encode(stall.stack),
            )
            for stall in batch.stalls
        ]
        self._connection.executemany(_SET_STALL, rows)
        self._untrimmed += len(rows)
        if self._untrimmed >= _TRIM_EVERY:
            self._untrimmed = 0
            self._connection.execute(
                "DELETE FROM stalls WHERE process = ?1 AND begin_ns <= (SELECT begin_ns FROM stalls WHERE process = ?1"
                " ORDER BY begin_ns DESC LIMIT 1 OFFSET ?2)",
                (process.row, MAX_STALLS),
            )
