"""The lifecycles that closed, in the order in which they closed, for the followers of the store.

The transaction that closes lifecycles also writes an entry, if the store has a follower. An entry has the keys of at
most ENTRY_KEYS lifecycles, so a follower costs the writer one small row a batch. A follower has a cursor: the last
entry that it has acknowledged. An entry that all followers have acknowledged is deleted.

What a dead process left open never closes. ``abandon`` adds it, once for each time that its process died.
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

ENTRY_KEYS = 500

_OPEN_OF_PROCESS = (
    "FROM lifecycles INDEXED BY lifecycles_open WHERE release_ns IS NULL AND lifecycles.key BETWEEN ? AND ?"
    " AND lifecycles.key NOT IN (SELECT key FROM abandoned)"
)


class Outbox:
    """Works on the writer's connection, in the writer's thread."""

    def __init__(self, connection: sqlite3.Connection, liveness: Liveness) -> None:
        for table in OUTBOX_TABLES:
            connection.execute(table)
        self._connection = connection
        self._liveness = liveness
        self._backlogs = Backlogs(connection)
        self._noted: list[int] = []
        self._noted_ns = 0
        self._abandoned: dict[int, int] = {}  # dead processes that ``abandon`` has handled -> their last_seen_ns
        self.is_followed = False  # before ``follow`` was called
        self.names: Sequence[str] = ()  # of the followers

    def note(self, closed: Iterable[int]) -> None:
        """Lifecycles with these keys close in the current transaction."""
        if self.is_followed:
            self._noted.extend(closed)

    def write(self, now_ns: int) -> None:
        """Write the noted keys, in the current transaction."""
        self._append(self._noted, now_ns)
        self._noted_ns = now_ns

    def committed(self) -> None:
        """The transaction is committed."""
        self._backlogs.grow(len(self._noted), self._noted_ns)
        self._noted.clear()

    def rolled_back(self) -> None:
        """The transaction is rolled back."""
        self._noted.clear()

    def backlog(self, name: str) -> Backlog:
        """See ``Store.backlog``. Any thread may call it."""
        return self._backlogs.of(name)

    def begin_after(self, entry: int) -> None:
        """Let the entries of a new file have greater numbers than this."""
        if self._connection.execute("SELECT 1 FROM sqlite_sequence WHERE name = 'outbox'").fetchone() is None:
            with transaction(self._connection):
                self._connection.execute("INSERT INTO sqlite_sequence VALUES ('outbox', ?)", (entry,))

    def follow(self, names: Sequence[str]) -> None:
        """Set the followers. A known one continues at its cursor, a new one begins now, all others are deleted."""
        self.names = tuple(names)
        with transaction(self._connection):
            known = {name for (name,) in self._connection.execute("SELECT name FROM followers")}
            if not known:  # the first followers do not get what was abandoned before
                self._connection.execute("DELETE FROM outbox")
                for process, _ in self._dead_processes():
                    self._connection.execute(f"INSERT INTO abandoned SELECT key {_OPEN_OF_PROCESS}", _bounds(process))
            last = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
            for name in known - set(names):
                self._connection.execute("DELETE FROM followers WHERE name = ?", (name,))
            for name in set(names) - known:
                self._connection.execute("INSERT INTO followers VALUES (?, ?, 0)", (name, last[0] if last else 0))
            self._purge()
            self._backlogs.count()
        self._abandoned.clear()
        self.is_followed = bool(names)

    def acknowledge(self, name: str, entry: int, expired: int) -> None:
        """The follower has finished all entries up to this one; ``expired`` of their lifecycles were deleted before."""
        with transaction(self._connection):
            passed = self._backlogs.between(name, entry)
            self._connection.execute(
                "UPDATE followers SET cursor = max(cursor, ?), expired = expired + ? WHERE name = ?",
                (entry, expired, name),
            )
            self._purge()
        self._backlogs.shrink(name, passed, expired)

    def abandon(self) -> int:
        """Add what dead processes left open, if it was not added before; answer how many lifecycles."""
        if not self.is_followed:
            return 0
        dead = dict(self._dead_processes())
        new = {process for process, last_seen_ns in dead.items() if self._abandoned.get(process) != last_seen_ns}
        revived = self._abandoned.keys() - dead.keys()
        if not new and not revived:
            return 0
        left_open: list[int] = []
        with transaction(self._connection):
            for process in revived:  # it may die again
                self._connection.execute("DELETE FROM abandoned WHERE key BETWEEN ? AND ?", _bounds(process))
            for process in sorted(new):
                rows = self._connection.execute(f"SELECT lifecycles.key {_OPEN_OF_PROCESS}", _bounds(process))
                left_open += sorted(key for (key,) in rows)
            self._connection.executemany("INSERT INTO abandoned VALUES (?)", [(key,) for key in left_open])
            now_ns = self._liveness.clock()
            self._append(left_open, now_ns)
        self._backlogs.grow(len(left_open), now_ns)
        self._abandoned = dead
        return len(left_open)

    def expire(self) -> None:
        """Delete the oldest entries whose lifecycles the retention has deleted, and abandoned keys of such."""
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
        for start in range(0, len(closed), ENTRY_KEYS):
            entry = closed[start : start + ENTRY_KEYS]
            self._connection.execute("INSERT INTO outbox VALUES (NULL, ?, ?, ?)", (now_ns, len(entry), pack(entry)))

    def _purge(self) -> None:
        self._connection.execute(
            "DELETE FROM outbox WHERE entry <= (SELECT ifnull(min(cursor), (SELECT max(entry) FROM outbox))"
            " FROM followers)"
        )

    def _dead_processes(self) -> Iterator[tuple[int, int]]:
        """Row and last_seen_ns."""
        rows = self._connection.execute("SELECT process, ended, last_seen_ns FROM processes").fetchall()
        for process, ended, last_seen_ns in rows:
            if self._liveness.is_dead(ended, last_seen_ns):
                yield process, last_seen_ns


def _bounds(process: int) -> tuple[int, int]:
    return keys.key(process, 0), keys.key(process, keys.NUMBERS)
