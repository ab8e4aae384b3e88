"""What closed, in the order in which it did, for those who follow the store.

An entry is written in the very transaction that closes its lifecycles, and only while somebody follows: it holds the
keys of at most ENTRY of them, so that following costs the writer one small row a batch. A follower has a cursor: the
last entry that it has acknowledged. An entry that all followers are past is deleted.

What a dead process left open never closes. It is put in by ``abandon``, once for each time that its process died.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from tenure_server.store.protocol import Backlog
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.liveness import Liveness
from tenure_server.store.sqlite.file.schema import OUTBOX_TABLES, pack, unpack
from tenure_server.store.sqlite.file.transactions import transaction
from tenure_server.store.sqlite.write.backlog import Backlogs

ENTRY = 500  # lifecycles

_OPEN_OF_PROCESS = (
    "FROM lifecycles INDEXED BY lifecycles_open WHERE release_ns IS NULL AND lifecycles.key BETWEEN ? AND ?"
    " AND lifecycles.key NOT IN (SELECT key FROM abandoned)"
)


class Outbox:
    """Works on the writer's connection, in the writer's thread."""

    def __init__(self, connection: sqlite3.Connection, aliveness: Liveness) -> None:
        for table in OUTBOX_TABLES:
            connection.execute(table)
        self._connection = connection
        self._aliveness = aliveness
        self._backlogs = Backlogs(connection)
        self._noted: list[int] = []
        self._noted_ns = 0
        self._settled: dict[int, int] = {}  # dead processes with nothing left to abandon, and when they were last seen
        self.is_followed = False  # not before ``follow`` was called
        self.names: Sequence[str] = ()  # who follows

    def note(self, closed: Iterable[int]) -> None:
        """Lifecycles with these keys close in the transaction that is going on."""
        if self.is_followed:
            self._noted.extend(closed)

    def write(self, now_ns: int) -> None:
        """Write what was noted, in the transaction that is going on."""
        self._append(self._noted, now_ns)
        self._noted_ns = now_ns

    def settle(self) -> None:
        """The transaction is committed."""
        self._backlogs.grow(len(self._noted), self._noted_ns)
        self._noted.clear()

    def undo(self) -> None:
        """The transaction is rolled back."""
        self._noted.clear()

    def backlog(self, name: str) -> Backlog:
        """See ``Store.backlog``. Any thread may ask."""
        return self._backlogs.of(name)

    def begin_after(self, entry: int) -> None:
        """Number the entries of a fresh file from there on."""
        if self._connection.execute("SELECT 1 FROM sqlite_sequence WHERE name = 'outbox'").fetchone() is None:
            with transaction(self._connection):
                self._connection.execute("INSERT INTO sqlite_sequence VALUES ('outbox', ?)", (entry,))

    def follow(self, names: Sequence[str]) -> None:
        """These follow from now on, others no more. Who is known goes on at its cursor, who is new begins now."""
        self.names = tuple(names)
        with transaction(self._connection):
            known = {name for (name,) in self._connection.execute("SELECT name FROM followers")}
            if not known:  # nobody wanted to know until now: what was abandoned before is history
                self._connection.execute("DELETE FROM outbox")
                for process, _ in self._dead():
                    self._connection.execute(f"INSERT INTO abandoned SELECT key {_OPEN_OF_PROCESS}", _bounds(process))
            last = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
            for name in known - set(names):
                self._connection.execute("DELETE FROM followers WHERE name = ?", (name,))
            for name in set(names) - known:
                self._connection.execute("INSERT INTO followers VALUES (?, ?, 0)", (name, last[0] if last else 0))
            self._purge()
            self._backlogs.count()
        self._settled.clear()
        self.is_followed = bool(names)

    def acknowledge(self, name: str, entry: int, expired: int) -> None:
        """The follower is done with all entries up to this one; ``expired`` of their lifecycles it did not get."""
        with transaction(self._connection):
            passed = self._backlogs.between(name, entry)
            self._connection.execute(
                "UPDATE followers SET cursor = max(cursor, ?), expired = expired + ? WHERE name = ?",
                (entry, expired, name),
            )
            self._purge()
        self._backlogs.shrink(name, passed, expired)

    def abandon(self) -> int:
        """Put in what dead processes left open and was not put in yet; answer how many."""
        if not self.is_followed:
            return 0
        dead = dict(self._dead())
        new = {process for process, last_seen_ns in dead.items() if self._settled.get(process) != last_seen_ns}
        revived = self._settled.keys() - dead.keys()
        if not new and not revived:
            return 0
        found: list[int] = []
        with transaction(self._connection):
            for process in revived:  # it may die again
                self._connection.execute("DELETE FROM abandoned WHERE key BETWEEN ? AND ?", _bounds(process))
            for process in sorted(new):
                rows = self._connection.execute(f"SELECT lifecycles.key {_OPEN_OF_PROCESS}", _bounds(process))
                found += sorted(key for (key,) in rows)
            self._connection.executemany("INSERT INTO abandoned VALUES (?)", [(key,) for key in found])
            now_ns = self._aliveness.clock()
            self._append(found, now_ns)
        self._backlogs.grow(len(found), now_ns)
        self._settled = dead
        return len(found)

    def expire(self) -> None:
        """Delete the oldest entries of which no lifecycle is stored any more, and what else became meaningless."""
        with transaction(self._connection):
            rows = self._connection.execute("SELECT entry, keys FROM outbox ORDER BY entry")
            gone = 0
            for entry, packed in rows:
                if self._any_stored(unpack(packed)):
                    break
                gone = entry
            rows.close()
            names = [name for (name,) in self._connection.execute("SELECT name FROM followers")]
            passed = {name: self._backlogs.between(name, gone) for name in names}
            self._connection.executemany(
                "UPDATE followers SET cursor = max(cursor, ?), expired = expired + ? WHERE name = ?",
                [(gone, lost, name) for name, lost in passed.items()],
            )
            self._purge()
            self._connection.execute("DELETE FROM abandoned WHERE key NOT IN (SELECT key FROM lifecycles)")
        for name, lost in passed.items():
            self._backlogs.shrink(name, lost, lost)

    def _any_stored(self, wanted: Sequence[int]) -> bool:
        marks = ",".join("?" * len(wanted))
        sql = f"SELECT 1 FROM lifecycles WHERE key IN ({marks}) LIMIT 1"  # noqa: S608 -- marks only
        return self._connection.execute(sql, wanted).fetchone() is not None

    def _append(self, closed: Sequence[int], now_ns: int) -> None:
        for start in range(0, len(closed), ENTRY):
            some = closed[start : start + ENTRY]
            self._connection.execute("INSERT INTO outbox VALUES (NULL, ?, ?, ?)", (now_ns, len(some), pack(some)))

    def _purge(self) -> None:
        self._connection.execute(
            "DELETE FROM outbox WHERE entry <= (SELECT ifnull(min(cursor), (SELECT max(entry) FROM outbox))"
            " FROM followers)"
        )

    def _dead(self) -> Iterator[tuple[int, int]]:
        rows = self._connection.execute("SELECT process, ended, last_seen_ns FROM processes").fetchall()
        for process, ended, last_seen_ns in rows:
            if self._aliveness.is_dead(ended, last_seen_ns):
                yield process, last_seen_ns


def _bounds(process: int) -> tuple[int, int]:
    return keys.key(process, 0), keys.key(process, keys.NUMBERS)
