"""Counts what each follower has not acknowledged. During a long outage of a backend the outbox is too long to count."""

from __future__ import annotations

import sqlite3

from tenure_server.store.protocol import Backlog

_EMPTY = Backlog(0, None, 0)


class Backlogs:
    """One for each follower. Only the writer's thread replaces them; any thread may read them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._backlogs: dict[str, Backlog] = {}

    def of(self, name: str) -> Backlog:
        """The backlog of a follower; empty for an unknown one."""
        return self._backlogs.get(name, _EMPTY)

    def count(self) -> None:
        """Count all of them, once, when the followers are known."""
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
        lifecycles: int
        (lifecycles,) = self._connection.execute(
            "SELECT ifnull(sum(lifecycles), 0) FROM outbox"
            " WHERE entry > (SELECT cursor FROM followers WHERE name = ?) AND entry <= ?",
            (name, entry),
        ).fetchone()
        return lifecycles

    def grow(self, lifecycles: int, now_ns: int) -> None:
        """Add lifecycles that ended, for all followers."""
        if lifecycles:
            for name, before in self._backlogs.items():
                since_ns = now_ns if before.since_ns is None else before.since_ns
                self._backlogs[name] = Backlog(before.lifecycles + lifecycles, since_ns, before.expired)

    def shrink(self, name: str, passed: int, expired: int) -> None:
        """The follower's cursor passed so many lifecycles; it did not read ``expired`` of them."""
        if before := self._backlogs.get(name):
            since_ns = self._since_ns(name)
            self._backlogs[name] = Backlog(before.lifecycles - passed, since_ns, before.expired + expired)

    def _since_ns(self, name: str) -> int | None:
        row = self._connection.execute(
            "SELECT at_ns FROM outbox WHERE entry > (SELECT cursor FROM followers WHERE name = ?)"
            " ORDER BY entry LIMIT 1",
            (name,),
        ).fetchone()
        return row[0] if row else None
