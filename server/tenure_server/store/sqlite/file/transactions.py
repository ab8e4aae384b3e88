"""Transactions. An error within one is raised even if the rollback fails too."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def roll_back(connection: sqlite3.Connection) -> None:
    """Roll back the transaction, if there is one. Never raises: SQLite may have done it already (a full disk)."""
    with suppress(sqlite3.Error):
        connection.rollback()  # ``execute`` would raise after the deadline of a read


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit at the end; at an error, roll back and raise it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise
