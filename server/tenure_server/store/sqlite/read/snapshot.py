"""One reading of the store: a connection within one snapshot, and what all queries share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tenure_server.errors import StoreFailed
from tenure_server.store.protocol import Paging
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.key_scan import Position, RawRow, Selection, format_cursor, parse_cursor
from tenure_server.store.sqlite.file.liveness import Liveness
from tenure_server.store.sqlite.file.schema import LIFECYCLE_COLUMNS, OPEN
from tenure_server.store.sqlite.file.transactions import roll_back
from tenure_server.store.sqlite.read.filters import Subjects
from tenure_server.store.sqlite.read.row_decoder import Assembly

T = TypeVar("T")

_CHUNK = 500  # keys in one query


class ReadSnapshot:
    """What one query needs; it is made anew for each."""

    def __init__(self, connection: sqlite3.Connection, aliveness: Liveness) -> None:
        self.connection = connection
        self.aliveness = aliveness
        self.assembly = Assembly(connection, aliveness)
        self.subjects = Subjects(connection)

    @property
    def now_ns(self) -> int:
        return self.aliveness.clock()

    def living(self) -> set[int]:
        """The processes that are alive."""
        rows = self.connection.execute("SELECT process, ended, last_seen_ns FROM processes")
        return {row for row, *facts in rows if self.aliveness.is_alive(*facts)}

    def in_chunks(self, sql: str, wanted: Sequence[int]) -> Iterator[RawRow]:
        """The rows of ``sql``, which ends in ``IN``, for some of the wanted keys after another."""
        for start in range(0, len(wanted), _CHUNK):
            some = wanted[start : start + _CHUNK]
            yield from self.connection.execute(f"{sql} ({','.join('?' * len(some))})", some)

    def open_rows(self, selection: Selection) -> Iterator[RawRow]:
        """Open lifecycles that the selection means, newest first, whether or not their process is alive."""
        rows = self.connection.execute(
            f"SELECT {LIFECYCLE_COLUMNS} {OPEN} AND {selection.where} ORDER BY acquire_ns DESC, key DESC",
            selection.values,
        )
        return (row for row in rows if keys.process_of(row[0]) in selection.processes)


def read_within(connection: sqlite3.Connection, aliveness: Liveness, read: Callable[[ReadSnapshot], T]) -> T:
    """What ``read`` finds, all of it in one state of the store.

    Raises:
        StoreFailed: the database cannot be read.
    """
    try:
        connection.execute("BEGIN")
        try:
            return read(ReadSnapshot(connection, aliveness))
        finally:
            roll_back(connection)
    except sqlite3.Error as error:
        raise StoreFailed(f"the store could not be read: {error}") from error


def next_cursor(rows: list[RawRow], limit: int, position: Callable[[RawRow], tuple[int, ...]]) -> str | None:
    """The cursor after ``limit`` rows, where more were found."""
    return format_cursor(*position(rows[limit - 1])) if len(rows) > limit else None


def position_of(paging: Paging) -> Position | None:
    if paging.cursor is None:
        return None
    instant, key = parse_cursor(paging.cursor, 2)
    return instant, key
