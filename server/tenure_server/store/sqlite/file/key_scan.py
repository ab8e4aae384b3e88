"""Reads a table newest first, although no index is sorted by time.

Within a process the order of keys is nearly the order of time (threads may swap neighbours). So the keys of a window
are found by bisection, with some slack. Each process is read backwards through its keys, a look-ahead puts neighbours
in order, and the processes are merged. A process whose keys have lost that order, for example because its clock was
set back, stands in ``unordered``; all its rows are sorted (see ``time_order``).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappush, heappushpop, merge
from typing import Any, Generic, TypeAlias, TypeVar

from tenure_server.errors import BadParameter
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.rows import LIFECYCLE_COLUMNS, LifecycleRow, Value, Values
from tenure_server.store.sqlite.file.time_order import NEIGHBOURS_NS

Row = TypeVar("Row")

MakeRow: TypeAlias = Callable[[Iterable[Any]], Row]  # the ``_make`` of a NamedTuple
Position: TypeAlias = tuple[int, int]  # instant and key of a row
Window: TypeAlias = tuple[int | None, int | None]  # since, until

_SLACK_NS = 2 * NEIGHBOURS_NS
_SORTED_ROWS = 1_000  # of an unordered process, sorted at a time
_LOOK_AHEAD = 128


class RowSelection:
    """A condition in SQL with its values, and the processes in which it can hold."""

    def __init__(self, processes: Iterable[int]) -> None:
        self.processes = set(processes)
        self._conditions: list[str] = []
        self.values: list[Value] = []

    @property
    def where(self) -> str:
        return " AND ".join(self._conditions) or "true"

    def add(self, condition: str, *values: Value) -> None:
        self._conditions.append(condition)
        self.values.extend(values)

    def restrict_to(self, processes: Iterable[int]) -> None:
        self.processes &= set(processes)


class Timeline(Generic[Row]):
    """A table whose column ``time`` grows with its key.

    ``make`` makes a row of the values of ``columns``; ``position`` answers its time and its key.
    """

    def __init__(
        self, table: str, time: str, columns: str, make: MakeRow[Row], position: Callable[[Row], Position]
    ) -> None:
        self._table = table
        self._time = time
        self._columns = columns
        self._make = make
        self.position = position

    def newest(
        self,
        connection: sqlite3.Connection,
        selection: RowSelection,
        window: Window = (None, None),
        before: Position | None = None,
    ) -> Iterator[Row]:
        """The rows of a selection, newest first, ties by key.

        ``window`` is [since, until) of ``time``; ``before`` is the position of the last row of the previous page.
        """
        since, until = window
        if before is not None:
            until = before[0] + 1 if until is None else min(until, before[0] + 1)
        conditions = [selection.where, "key BETWEEN ? AND ?"]
        bounds: list[Value] = []
        for sign, bound in ((">=", since), ("<", until)):
            if bound is not None:
                conditions.append(f"{self._time} {sign} ?")
                bounds.append(bound)
        where = " AND ".join(conditions)
        sql = f"SELECT {self._columns} FROM {self._table} WHERE {where} ORDER BY key DESC"  # noqa: S608 -- constant names
        streams = []
        unordered = _unordered_processes(connection)
        for process in selection.processes:
            if process in unordered:
                values = [*selection.values, keys.key(process, 0), keys.key(process, keys.NUMBERS), *bounds]
                streams.append(self._sorted_in_full(connection, where, values))
                continue
            low, high = self.keys_between(connection, process, since, until)
            rows = connection.execute(sql, [*selection.values, low, high, *bounds])
            streams.append(self._sorted_by_look_ahead(map(self._make, rows)))
        for row in merge(*streams, key=self._newest_first):
            if before is None or self.position(row) < before:
                yield row

    def _sorted_in_full(self, connection: sqlite3.Connection, where: str, values: Values) -> Iterator[Row]:
        """The rows of a process whose keys have no order, _SORTED_ROWS at a time."""
        order = f"ORDER BY {self._time} DESC, key DESC LIMIT {_SORTED_ROWS}"
        sql = f"SELECT {self._columns} FROM {self._table} WHERE {where}"  # noqa: S608 -- constant names
        rows = list(map(self._make, connection.execute(f"{sql} {order}", values)))
        while rows:
            yield from rows
            if len(rows) < _SORTED_ROWS:
                return
            after = f"{sql} AND ({self._time}, key) < (?, ?) {order}"
            rows = list(map(self._make, connection.execute(after, [*values, *self.position(rows[-1])])))

    def keys_between(
        self, connection: sqlite3.Connection, process: int, since: int | None, until: int | None
    ) -> tuple[int, int]:
        """The least and the greatest key of a process that a row of the window can have."""
        low, high = keys.key(process, 0), keys.key(process, keys.NUMBERS)
        if process in _unordered_processes(connection):
            return low, high
        return (
            low if since is None else self._first_after(connection, low, high, since - _SLACK_NS),
            high if until is None else self._first_after(connection, low, high, until + _SLACK_NS),
        )

    def _first_after(self, connection: sqlite3.Connection, low: int, high: int, instant: int) -> int:
        """The key that separates rows later than ``instant`` from the others; ``high``: no row is later."""
        sql = f"SELECT key, {self._time} FROM {self._table} WHERE key BETWEEN ? AND ? ORDER BY key"  # noqa: S608
        last = connection.execute(f"{sql} DESC LIMIT 1", (low, high)).fetchone()
        if last is None or last[1] <= instant:
            return high
        high = last[0]
        while low < high:
            middle = (low + high) // 2
            row = connection.execute(f"{sql} LIMIT 1", (middle, high)).fetchone()
            if row is None or row[1] > instant:  # deleted rows leave gaps between the keys
                high = middle
            else:
                low = row[0] + 1
        return high

    def _sorted_by_look_ahead(self, rows: Iterable[Row]) -> Iterator[Row]:
        heap: list[tuple[Position, Row]] = []
        for row in rows:
            entry = (self._newest_first(row), row)
            if len(heap) < _LOOK_AHEAD:
                heappush(heap, entry)
            else:
                yield heappushpop(heap, entry)[1]
        for _, row in sorted(heap):
            yield row

    def _newest_first(self, row: Row) -> Position:
        instant, key = self.position(row)
        return -instant, -key


def _unordered_processes(connection: sqlite3.Connection) -> set[int]:
    return {process for (process,) in connection.execute("SELECT process FROM unordered")}


def format_cursor(*numbers: int) -> str:
    return ".".join(f"{number:x}" for number in numbers)


def parse_cursor(cursor: str, length: int) -> Sequence[int]:
    """The ``length`` numbers of which ``format_cursor`` made the cursor.

    Raises:
        BadParameter: it has another form.
    """
    is_cursor = re.fullmatch(r"-?[0-9a-f]{1,16}(\.-?[0-9a-f]{1,16})*", cursor)
    numbers = [int(part, 16) for part in cursor.split(".")] if is_cursor else []
    if len(numbers) != length or max(map(abs, numbers)) >= 1 << 63:
        raise BadParameter("cursor", f"invalid cursor {cursor[:80]!r} (use the cursor of the previous answer)")
    return numbers


def _position_of_lifecycle(row: LifecycleRow) -> Position:
    return row.acquire_ns, row.key


LIFECYCLES = Timeline("lifecycles", "acquire_ns", LIFECYCLE_COLUMNS, LifecycleRow._make, _position_of_lifecycle)
