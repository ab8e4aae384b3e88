"""Stops a read at its deadline: within a statement of SQLite, or between two statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tenure_server.background.lanes import Deadline, read_too_long
from tenure_server.errors import StoreFailed

if TYPE_CHECKING:
    from sqlite3 import _Parameters

_STEPS = 50_000  # of SQLite's virtual machine between two checks of the deadline: a few ms


class Stoppable(sqlite3.Connection):
    """A connection that checks its deadline before every statement."""

    deadline: Deadline | None = None

    def execute(self, sql: str, parameters: _Parameters = (), /) -> sqlite3.Cursor:
        if self.deadline is not None:
            self.deadline.check()
        return super().execute(sql, parameters)


@contextmanager
def stopping(connection: sqlite3.Connection, deadline: Deadline) -> Iterator[None]:
    """Stop what is read within at the deadline.

    Raises:
        ReadTooLong: the deadline was reached.
    """
    connection.set_progress_handler(deadline.is_over, _STEPS)
    if isinstance(connection, Stoppable):
        connection.deadline = deadline
    try:
        yield
    except StoreFailed:
        if deadline.is_over():
            raise read_too_long() from None
        raise
    finally:
        connection.set_progress_handler(None, 0)
        if isinstance(connection, Stoppable):
            connection.deadline = None
