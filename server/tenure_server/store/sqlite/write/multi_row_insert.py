"""Inserts many rows by few statements: one step of SQLite for each row costs half as much again, and takes the GIL.

The sqlite3 module searches an adapter for each None and each ``bytes``, which takes six times as long as an integer on
Python 3.11, and longer from 3.12 on. So a column that is nearly always null has 0 in the row and ``nullif(?, 0)`` in
the statement, and a blob is a ``bytearray``, which needs no adapter.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Generic, TypeVar

from tenure_server.store.sqlite.file.key_scan import MakeRow
from tenure_server.store.sqlite.file.rows import Value, Values

_LARGEST = 256  # rows of one statement; with 15 columns they have 3,840 values, SQLite allows 32,766

Row_contra = TypeVar("Row_contra", bound=tuple[Value, ...], contravariant=True)
Returned = TypeVar("Returned")


class MultiRowInsert(Generic[Row_contra]):
    """An INSERT of any number of rows. It has one statement for each power of two up to _LARGEST rows."""

    def __init__(self, into: str, row: str, suffix: str = "") -> None:
        """``into`` is the statement up to VALUES, ``row`` the content of the parentheses of one row.

        ``suffix`` follows the rows: ON CONFLICT, RETURNING.
        """
        self._width = row.count("?")
        sizes = [_LARGEST >> bits for bits in range(_LARGEST.bit_length())]
        self._statements = [(size, f"{into} VALUES {', '.join([f'({row})'] * size)} {suffix}") for size in sizes]

    def run(self, connection: sqlite3.Connection, rows: Iterable[Row_contra]) -> None:
        """Insert the rows."""
        self.run_flat(connection, list(chain.from_iterable(rows)))

    def run_flat(self, connection: sqlite3.Connection, values: Values) -> None:
        """Insert the rows whose values stand in one list."""
        for sql, part in self._statements_for(values):
            connection.execute(sql, part)

    def returning(
        self, connection: sqlite3.Connection, rows: Iterable[Row_contra], make: MakeRow[Returned]
    ) -> Iterator[Returned]:
        """Insert the rows; answer those that the statements return."""
        for sql, values in self._statements_for(list(chain.from_iterable(rows))):
            yield from map(make, connection.execute(sql, values).fetchall())

    def _statements_for(self, values: Values) -> Iterator[tuple[str, Values]]:
        at, left = 0, len(values) // self._width
        for size, sql in self._statements:
            while left >= size:
                yield sql, values[at : at + size * self._width]
                at += size * self._width
                left -= size
