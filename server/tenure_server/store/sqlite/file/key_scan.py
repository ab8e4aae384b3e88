"""Reading a table newest first although no index is sorted by time.

Within a process, the order of keys is nearly the order of time (threads may swap neighbours). So a window is found by
bisection, with some slack, each process is read backwards through its keys, neighbours are put right by a look-ahead,
and the processes are merged. Where the order was lost, as by a clock that was set back, the process is in
``unordered``, and all its rows are looked through (see ``time_order``).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappush, heappushpop, merge
from typing import Any

from tenure_server.errors import BadParameter
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.schema import ACQUIRE, LIFECYCLE_COLUMNS
from tenure_server.store.sqlite.file.time_order import NEIGHBOURS_NS

RawRow = tuple[Any, ...]  # a row as SQLite gives it: its key first
Values = list[object]

_SLACK_NS = 2 * NEIGHBOURS_NS
_SORTED = 1_000  # rows of an unordered process that are sorted at a time
_LOOK_AHEAD = 128

Position = tuple[int, int]  # instant, key: what came last
Window = tuple[int | None, int | None]  # since, until


class Selection:
    """A condition in SQL with its values, and the processes in which it can hold."""

    def __init__(self, processes: Iterable[int]) -> None:
        self.processes = set(processes)
        self._conditions: list[str] = []
        self.values: Values = []

    @property
    def where(self) -> str:
        return " AND ".join(self._conditions) or "true"

    def add(self, condition: str, *values: object) -> None:
        self._conditions.append(condition)
        self.values.extend(values)

    def only(self, processes: Iterable[int]) -> None:
        self.processes &= set(processes)


class Timeline:
    """One table whose first column is the key and whose column ``time`` grows with it.

    ``columns`` begin with the key; the one at index ``at`` is ``time``.
    """

    def __init__(self, table: str, time: str, columns: str, at: int) -> None:
        self.table = table
        self.time = time
        self.columns = columns
        self.at = at

    def newest(
        self,
        connection: sqlite3.Connection,
        selection: Selection,
        window: Window = (None, None),
        before: Position | None = None,
    ) -> Iterator[RawRow]:
        """The rows that a selection means, newest first, ties by key.

        ``window`` is [since, until) of ``time``; ``before`` is the position of the row after which to go on.
        """
        since, until = window
        if before is not None:
            until = before[0] + 1 if until is None else min(until, before[0] + 1)
        conditions = [selection.where, "key BETWEEN ? AND ?"]
        more: Values = []
        for sign, bound in ((">=", since), ("<", until)):
            if bound is not None:
                conditions.append(f"{self.time} {sign} ?")
                more.append(bound)
        sql = f"SELECT {self.columns} FROM {self.table} WHERE {' AND '.join(conditions)} ORDER BY key DESC"  # noqa: S608 -- of our own words
        streams = []
        unordered = _unordered(connection)
        for process in selection.processes:
            if process in unordered:
                bounds = [*selection.values, keys.key(process, 0), keys.key(process, keys.NUMBERS), *more]
                streams.append(self._in_order(connection, " AND ".join(conditions), bounds))
                continue
            low, high = self.keys_between(connection, process, since, until)
            rows = connection.execute(sql, [*selection.values, low, high, *more])
            streams.append(self._sorted(rows))
        for row in merge(*streams, key=self._newest_first):
            if before is None or (row[self.at], row[0]) < before:
                yield row

    def _in_order(self, connection: sqlite3.Connection, where: str, values: Values) -> Iterator[RawRow]:
        """The same of one process in whatever order its keys are, some at a time."""
        order = f"ORDER BY {self.time} DESC, key DESC LIMIT {_SORTED}"
        sql = f"SELECT {self.columns} FROM {self.table} WHERE {where}"  # noqa: S608 -- of our own words
        rows = connection.execute(f"{sql} {order}", values).fetchall()
        while rows:
            yield from rows
            if len(rows) < _SORTED:
                return
            rows = connection.execute(
                f"{sql} AND ({self.time}, key) < (?, ?) {order}", [*values, *self.position(rows[-1])]
            ).fetchall()

    def keys_between(
        self, connection: sqlite3.Connection, process: int, since: int | None, until: int | None
    ) -> tuple[int, int]:
        """The least and the greatest key of a process that a row of the window can have."""
        low, high = keys.key(process, 0), keys.key(process, keys.NUMBERS)
        if process in _unordered(connection):
            return low, high
        return (
            low if since is None else self._first_after(connection, low, high, since - _SLACK_NS),
            high if until is None else self._first_after(connection, low, high, until + _SLACK_NS),
        )

    def _first_after(self, connection: sqlite3.Connection, low: int, high: int, instant: int) -> int:
        """A key from which on all rows are later than ``instant``, and none before it; ``high`` where none is."""
        sql = f"SELECT key, {self.time} FROM {self.table} WHERE key BETWEEN ? AND ? ORDER BY key"  # noqa: S608
        last = connection.execute(f"{sql} DESC LIMIT 1", (low, high)).fetchone()
        if last is None or last[1] <= instant:
            return high
        high = last[0]
        while low < high:
            middle = (low + high) // 2
            found = connection.execute(f"{sql} LIMIT 1", (middle, high)).fetchone()
            if found is None or found[1] > instant:  # keys whose rows were deleted leave gaps
                high = middle
            else:
                low = found[0] + 1
        return high

    def _sorted(self, rows: Iterable[RawRow]) -> Iterator[RawRow]:
        heap: list[tuple[Position, RawRow]] = []
        for row in rows:
            entry = (self._newest_first(row), row)
            if len(heap) < _LOOK_AHEAD:
                heappush(heap, entry)
            else:
                yield heappushpop(heap, entry)[1]
        for _, row in sorted(heap):
            yield row

    def _newest_first(self, row: RawRow) -> Position:
        return -row[self.at], -row[0]

    def position(self, row: RawRow) -> Position:
        return row[self.at], row[0]


def _unordered(connection: sqlite3.Connection) -> set[int]:
    return {process for (process,) in connection.execute("SELECT process FROM unordered")}


def format_cursor(*numbers: int) -> str:
    return ".".join(f"{number:x}" for number in numbers)


def parse_cursor(cursor: str, length: int) -> Sequence[int]:
    """The numbers that a cursor was made of.

    Raises:
        BadParameter: it was not made here.
    """
    is_cursor = re.fullmatch(r"-?[0-9a-f]{1,16}(\.-?[0-9a-f]{1,16})*", cursor)
    numbers = [int(part, 16) for part in cursor.split(".")] if is_cursor else []
    if len(numbers) != length or max(map(abs, numbers)) >= 1 << 63:
        raise BadParameter("cursor", f"invalid cursor {cursor[:80]!r} (use the cursor of the previous answer)")
    return numbers


LIFECYCLES = Timeline("lifecycles", "acquire_ns", LIFECYCLE_COLUMNS, ACQUIRE)
