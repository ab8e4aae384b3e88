"""The arrival of each closed lifecycle, by the collector's clock: the retention deletes by it.

The times of a row are those of its program, whose clock may be wrong by years. So the transaction that closes
lifecycles also writes their keys into ``arrivals``, in the order of arrival. Arrivals within SPAN_NS share one entry,
up to RETENTION_CHUNK keys: ``first_ns`` is its first arrival, ``last_ns`` its last. Each closed lifecycle is in exactly
one entry, each open one in none. ``last_ns`` never decreases from entry to entry: when the collector's clock is set
back, entries that would be in the future get the current time.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tenure_server.limits import RETENTION_CHUNK
from tenure_server.store.sqlite.file import keys

SPAN_NS = 1_000_000_000

TABLE = """CREATE TABLE arrivals (
    arrival INTEGER PRIMARY KEY, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, lifecycles INTEGER NOT NULL,
    keys BLOB NOT NULL)"""


class Arrival(NamedTuple):
    """One entry of the table."""

    number: int
    first_ns: int
    last_ns: int
    lifecycles: int
    packed: bytes


class Arrivals:
    """The table. Works on the writer's connection, in the writer's transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._noted: list[int] = []
        self._last: Arrival | None = None  # the newest entry; None: not read yet

    def note(self, closed: Iterable[int]) -> None:
        """Lifecycles with these keys close in the current transaction; before it they were open or not stored."""
        self._noted.extend(closed)

    def write(self, now_ns: int) -> None:
        """Write the noted keys, in the current transaction."""
        if not self._noted:
            return
        ordered = sorted(self._noted)
        self._noted.clear()
        last = self._last or self.newest()
        if last and last.last_ns > now_ns:
            last = self._set_back(now_ns)
        start = 0
        if last and now_ns - last.first_ns < SPAN_NS and (room := RETENTION_CHUNK - last.lifecycles) > 0:
            added = ordered[:room]
            last = Arrival(last.number, last.first_ns, now_ns, last.lifecycles + len(added), last.packed + pack(added))
            self._connection.execute(
                "UPDATE arrivals SET last_ns = ?, lifecycles = ?, keys = ? WHERE arrival = ?",
                (last.last_ns, last.lifecycles, last.packed, last.number),
            )
            start = room
        for at in range(start, len(ordered), RETENTION_CHUNK):
            last = self.append(ordered[at : at + RETENTION_CHUNK], now_ns, now_ns)
        self._last = last

    def append(self, ordered: Sequence[int], first_ns: int, last_ns: int) -> Arrival:
        """Write a new entry of sorted keys."""
        packed = pack(ordered)
        cursor = self._connection.execute(
            "INSERT INTO arrivals VALUES (NULL, ?, ?, ?, ?)", (first_ns, last_ns, len(ordered), packed)
        )
        assert cursor.lastrowid is not None
        return Arrival(cursor.lastrowid, first_ns, last_ns, len(ordered), packed)

    def forget(self) -> None:
        """A transaction was rolled back, or entries were deleted."""
        self._noted.clear()
        self._last = None

    def newest(self) -> Arrival | None:
        """The last entry, if there is one."""
        return next(self._entries("DESC"), None)

    def oldest(self) -> Iterator[Arrival]:
        """All entries, the oldest first."""
        return self._entries("ASC")

    def _entries(self, order: str) -> Iterator[Arrival]:
        sql = f"SELECT arrival, first_ns, last_ns, lifecycles, keys FROM arrivals ORDER BY arrival {order}"  # noqa: S608 -- constant names
        return map(Arrival._make, self._connection.execute(sql))

    def _set_back(self, now_ns: int) -> Arrival | None:
        """The collector's clock was set back: move entries of the future to now. Answer the newest entry."""
        later = []
        for entry in self._entries("DESC"):
            if entry.last_ns <= now_ns:
                break
            later.append((min(entry.first_ns, now_ns), now_ns, entry.number))
        self._connection.executemany("UPDATE arrivals SET first_ns = ?, last_ns = ? WHERE arrival = ?", later)
        return self.newest()


def create(connection: sqlite3.Connection) -> None:
    """Create the table, in the current transaction, with entries for the stored lifecycles.

    Their arrivals are not known. As ``last_ns`` they get the last batch of their process, so none is deleted too early.
    As ``first_ns`` they get 0, so no exception that they may refer to is deleted too early.
    """
    connection.execute(TABLE)
    arrivals = Arrivals(connection)
    processes = connection.execute("SELECT process, last_seen_ns FROM processes ORDER BY last_seen_ns, process")
    for process, last_seen_ns in processes.fetchall():
        rows = connection.execute(
            "SELECT key FROM lifecycles WHERE key BETWEEN ? AND ? AND release_ns IS NOT NULL ORDER BY key",
            (keys.key(process, 0), keys.key(process, keys.NUMBERS)),
        )
        while chunk := [key for (key,) in rows.fetchmany(RETENTION_CHUNK)]:
            arrivals.append(chunk, 0, last_seen_ns)


def pack(ordered: Sequence[int]) -> bytes:
    """Sorted keys, eight bytes each; a run of n consecutive keys is written as its first key and -(n - 1)."""
    if ordered[-1] - ordered[0] == len(ordered) - 1:
        starts = [0]
    else:
        starts = [0, *(at for at in range(1, len(ordered)) if ordered[at] - ordered[at - 1] != 1)]
    packed = array("q")
    for start, end in zip(starts, [*starts[1:], len(ordered)], strict=True):
        packed.append(ordered[start])
        if end - start > 1:
            packed.append(start + 1 - end)
    return packed.tobytes()


def unpack(packed: bytes) -> list[int]:
    """The keys of an entry."""
    unpacked: list[int] = []
    for item in array("q", packed):
        if item < 0:
            unpacked.extend(range(unpacked[-1] + 1, unpacked[-1] + 1 - item))
        else:
            unpacked.append(item)
    return unpacked
