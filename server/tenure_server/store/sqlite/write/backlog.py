"""How much each follower has yet to get, kept count of: the outbox may be as long as a backend's outage."""

from __future__ import annotations

import sqlite3

from tenure_server.store.protocol import Backlog

_NOTHING = Backlog(0, None, 0)


class Backlogs:
    """One for each follower. They are changed by the writer's thread, whole, so that any other may read them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._backlogs: dict[str, Backlog] = {}

    def of(self, name: str) -> Backlog:
        """That of a follower; of who does not follow, nothing."""
        return self._backlogs.get(name, _NOTHING)

    def count(self) -> None:
        """Read what all of them are: once, when it is known who follows."""
        followers = self._connection.execute("SELECT name, cursor, expired FROM followers").fetchall()
        counted = {}
        for name, cursor, expired in followers:
            (waiting,) = self._connection.execute(
                "SELECT ifnull(sum(lifecycles), 0) FROM outbox WHERE entry > ?", (cursor,)
            ).fetchone()
            counted[name] = Backlog(waiting, self._since_ns(name), expired)
        self._backlogs = counted

    def between(self, name: str, entry: int) -> int:
        """How many lifecycles are after the follower's cursor, up to this entry."""
        found: int
        (found,) = self._connection.execute(
            "SELECT ifnull(sum(lifecycles), 0) FROM outbox"
            " WHERE entry > (SELECT cursor FROM followers WHERE name = ?) AND entry <= ?",
            (name, entry),
        ).fetchone()
        return found

    def grow(self, lifecycles: int, now_ns: int) -> None:
        """So many more have ended, for all of them."""
        if lifecycles:
            for name, before in self._backlogs.items():
                since_ns = now_ns if before.since_ns is None else before.since_ns
                self._backlogs[name] = Backlog(before.lifecycles + lifecycles, since_ns, before.expired)

    def shrink(self, name: str, passed: int, expired: int) -> None:
        """The follower's cursor went past so many; ``expired`` of them it did not get."""
        if before := self._backlogs.get(name):
            since_ns = self._since_ns(name)
            self._backlogs[name] = Backlog(before.lifecycles - passed, since_ns, before.expired + expired)

    def _since_ns(self, name: str) -> int | None:
        found = self._connection.execute(
            "SELECT at_ns FROM outbox WHERE entry > (SELECT cursor FROM followers WHERE name = ?)"
            " ORDER BY entry LIMIT 1",
            (name,),
        ).fetchone()
        return found[0] if found else None
