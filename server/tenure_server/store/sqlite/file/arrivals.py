"""When each closed lifecycle came, by the collector's clock: what the retention goes by.

A row's own times are its program's, whose clock may be years off. So the transaction that closes lifecycles also
writes their keys into ``arrivals``, in the order in which they came. What came within SPAN_NS shares one entry, up to
RETENTION_CHUNK of them: ``first_ns`` is when the first of an entry came, ``last_ns`` when the last did. Each closed
lifecycle is in exactly one entry, each open one in none. From entry to entry ``last_ns`` never falls: when the
collector's clock is set back, what came "later" than it now tells is taken to have come now.
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
    """Works on the writer's connection, in the writer's transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._noted: list[int] = []
        self._last: Arrival | None = None  # the newest entry, where it is known

    def note(self, closed: Iterable[int]) -> None:
        """Lifecycles with these keys close in the transaction that is going on, and were open or new before."""
        self._noted.extend(closed)

    def write(self, now_ns: int) -> None:
        """Write what was noted, in the transaction that is going on."""
        if not self._noted:
            return
        ordered = sorted(self._noted)
        self._noted.clear()
        last = self._last or self.newest()
        if last and last.last_ns > now_ns:
            last = self._set_back(now_ns)
        start = 0
        if last and now_ns - last.first_ns < SPAN_NS and (room := RETENTION_CHUNK - last.lifecycles) > 0:
            some = ordered[:room]
            last = Arrival(last.number, last.first_ns, now_ns, last.lifecycles + len(some), last.packed + pack(some))
            self._connection.execute(
                "UPDATE arrivals SET last_ns = ?, lifecycles = ?, keys = ? WHERE arrival = ?",
                (last.last_ns, last.lifecycles, last.packed, last.number),
            )
            start = room
        for at in range(start, len(ordered), RETENTION_CHUNK):
            last = self.append(ordered[at : at + RETENTION_CHUNK], now_ns, now_ns)
        self._last = last

    def append(self, ordered: Sequence[int], first_ns: int, last_ns: int) -> Arrival:
        """Write a new entry. The keys are sorted."""
        packed = pack(ordered)
        cursor = self._connection.execute(
            "INSERT INTO arrivals VALUES (NULL, ?, ?, ?, ?)", (first_ns, last_ns, len(ordered), packed)
        )
        assert cursor.lastrowid is not None
        return Arrival(cursor.lastrowid, first_ns, last_ns, len(ordered), packed)

    def forget(self) -> None:
        """A transaction was undone, or entries were deleted."""
        self._noted.clear()
        self._last = None

    def newest(self) -> Arrival | None:
        """The last entry, if there is one."""
        return next(self._entries("DESC"), None)

    def oldest(self) -> Iterator[Arrival]:
        """All entries, the oldest first."""
        return self._entries("ASC")

    def _entries(self, order: str) -> Iterator[Arrival]:
        sql = f"SELECT arrival, first_ns, last_ns, lifecycles, keys FROM arrivals ORDER BY arrival {order}"  # noqa: S608 -- our own words
        return map(Arrival._make, self._connection.execute(sql))

    def _set_back(self, now_ns: int) -> Arrival | None:
        """The collector's clock was set back: nothing can have come after now. Answer the newest entry."""
        later = []
        for entry in self._entries("DESC"):
            if entry.last_ns <= now_ns:
                break
            later.append((min(entry.first_ns, now_ns), now_ns, entry.number))
        self._connection.executemany("UPDATE arrivals SET first_ns = ?, last_ns = ? WHERE arrival = ?", later)
        return self.newest()


def create(connection: sqlite3.Connection) -> None:
    """Make the table, in the transaction that is going on; what is stored already came when its process last did.

    The store did not keep when these came. That they came no later keeps all of them long enough; that the first of
    them came at 0 keeps all that they may refer to.
    """
    connection.execute(TABLE)
    arrivals = Arrivals(connection)
    processes = connection.execute("SELECT process, last_seen_ns FROM processes ORDER BY last_seen_ns, process")
    for process, last_seen_ns in processes.fetchall():
        rows = connection.execute(
            "SELECT key FROM lifecycles WHERE key BETWEEN ? AND ? AND release_ns IS NOT NULL ORDER BY key",
            (keys.key(process, 0), keys.key(process, keys.NUMBERS)),
        )
        while some := [key for (key,) in rows.fetchmany(RETENTION_CHUNK)]:
            arrivals.append(some, 0, last_seen_ns)


def pack(ordered: Sequence[int]) -> bytes:
    """Sorted keys in eight bytes each; a run of n consecutive ones is its first key and -(n - 1)."""
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
    found: list[int] = []
    for item in array("q", packed):
        if item < 0:
            found.extend(range(found[-1] + 1, found[-1] + 1 - item))
        else:
            found.append(item)
    return found
