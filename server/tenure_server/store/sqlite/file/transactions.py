"""One transaction, and its end by an error that is not hidden by a second one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def roll_back(connection: sqlite3.Connection) -> None:
    """Undo the transaction, if there is one. Never raises: SQLite may have undone it already (a full disk)."""
    with suppress(sqlite3.Error):
        connection.rollback()  # not execute, which refuses everything after the deadline of a reading


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done within, or undo it and raise the error that ended it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise
