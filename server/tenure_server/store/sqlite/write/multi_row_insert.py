"""Many rows by few statements: a step of SQLite for each row would cost half as much again, and the GIL each time.

The sqlite3 module looks for an adapter for each None and each ``bytes``, which takes six times as long as an integer on
Python 3.11, and still longer from 3.12 on: what is nearly always null is 0 among the values and ``nullif(?, 0)``
in the row, and a blob is a ``bytearray``, which it takes as it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

_LARGEST = 256  # rows in one statement; of 15 columns they have 3,840 values, SQLite allows 32,766


class Insert:
    """An INSERT of any number of rows, which are prepared for powers of two of them."""

    def __init__(self, into: str, row: str, otherwise: str = "") -> None:
        """``into`` is the statement up to VALUES, ``row`` what stands in the parentheses of one row.

        ``otherwise`` is what follows them: ON CONFLICT, RETURNING.
        """
        self._width = row.count("?")
        sizes = [_LARGEST >> bits for bits in range(_LARGEST.bit_length())]
        self._statements = [(size, f"{into} VALUES {', '.join([f'({row})'] * size)} {otherwise}") for size in sizes]

    def run(self, connection: sqlite3.Connection, values: list[object]) -> None:
        """``values`` are those of one row after another."""
        for sql, some in self._pieces(values):
            connection.execute(sql, some)

    def returning(self, connection: sqlite3.Connection, values: list[object]) -> Iterator[Any]:
        """As ``run``; the rows that the statements return."""
        for sql, some in self._pieces(values):
            yield from connection.execute(sql, some).fetchall()

    def _pieces(self, values: list[object]) -> Iterator[tuple[str, list[object]]]:
        at, left = 0, len(values) // self._width
        for size, sql in self._statements:
            while left >= size:
                yield sql, values[at : at + size * self._width]
                at += size * self._width
                left -= size
