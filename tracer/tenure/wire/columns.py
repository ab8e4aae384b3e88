"""The rows of a batch of version 2: 13 columns, one after the other. The twin in Python of ``tracer/native/columns/``.

Each column is one mode byte and its data. Its numbers are unsigned and little-endian; a varint is LEB128, 7 bits a
byte, the low ones first.

    id                    the row's id minus the previous row's; of the first row, the id; never 0
    parent                0: none, else the row's id minus the parent's
    root                  the row's id minus its root's; 0: it is the root
    task, resource, site  indexes
    acquire               the acquire minus the previous one, zigzag (0, -1, 1, -2 as 0, 1, 2, 3); 0 of the first row
    wait, hold, release   the duration plus 1; 0: not reached
    outcomes              as in ``Row``
    body, own             numbers in ``exceptions``; 0: none

    mode 0                constant: one varint
    mode 1                a varint for each row
    mode 2                runs: a varint and the number of rows that have it, a varint, until all rows have one
    modes 3, 4, 5, 6      1, 2, 4, 8 bytes for each row

What is read is a table: 13 signed numbers of 8 bytes for each row, one column after the other. Ids stand there instead
of differences, instants instead of steps, and -1 for what was not reached.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise
from operator import sub
from typing import NamedTuple, TypeAlias

from tenure.wire.column_reader import CONSTANT, FIXED, FIXED_CODES, LARGEST, Damage, Numbers, Reader
from tenure.wire.errors import WireError

NAMES = (
    "id",
    "parent",
    "root",
    "task",
    "resource",
    "site",
    "acquire",
    "wait",
    "hold",
    "release",
    "outcomes",
    "body",
    "own",
)
WIDTH = len(NAMES)
_IDS, _DURATIONS, _INSTANTS, _OUTCOMES = 1 << 40, 1 << 57, 1 << 62, 1 << 8

RowValues: TypeAlias = tuple[int, ...]  # the 13 fields of a Row


class Tables(NamedTuple):
    """The sizes of the tables that rows name entries of, and the clock of their batch."""

    base_ns: int
    offset_ns: int
    tasks: int
    resources: int
    sites: int
    exceptions: int


def write(rows: Sequence[RowValues], roots: Sequence[int]) -> bytes | None:
    """Make the columns of rows, with the root of each; the first row's acquire is the batch's base_ns.

    Returns:
        None: the rows are not in the order of their ids, or a parent is younger than its child.
    """
    if not rows:
        return bytes(2 * WIDTH)
    ids, parents, _, tasks, resources, sites, steps, waits, holds, releases, outcomes, body, own = zip(
        *rows, strict=True
    )
    columns: list[Numbers] = [
        [ids[0], *map(sub, ids[1:], ids)],
        [id_ - parent if parent else 0 for id_, parent in zip(ids, parents, strict=True)],
        list(map(sub, ids, roots)),
        tasks,
        resources,
        sites,
        [0, *(step << 1 if step >= 0 else ~step << 1 | 1 for step in steps[1:])],
        *([duration + 1 for duration in durations] for durations in (waits, holds, releases)),
        outcomes,
        body,
        own,
    ]
    is_in_order = min(columns[0]) > 0 and all(id_ > parent for id_, parent in zip(ids, parents, strict=True))
    if not is_in_order or min(roots) <= 0 or min(map(min, columns)) < 0 or max(map(max, columns)) > LARGEST:
        return None
    return b"".join(map(_written, columns))


def _written(column: Numbers) -> bytes:
    greatest = max(column)
    if greatest == min(column):
        return bytes([CONSTANT]) + _varint(greatest)
    mode = next(mode for mode in range(4) if not greatest >> (8 << mode))
    fixed = array(FIXED_CODES[mode], column)
    if sys.byteorder == "big":
        fixed.byteswap()
    return bytes([FIXED + mode]) + fixed.tobytes()


def _varint(value: int) -> bytes:
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def read(data: bytes, count: int, tables: Tables) -> bytes:
    """Read and check the columns of ``count`` rows, at most MAX_ROWS; return the table.

    Raises:
        WireError: names the column and the row, "99 names no entry of `sites` - at `$.columns.site[3]`".
    """
    reader = Reader(data, count)
    table: list[bytes] = []
    ids: Numbers = ()
    for name in NAMES:
        try:
            column = _MEANINGS[name](reader.column(), ids, tables)
        except Damage as damage:
            raise WireError(f"{damage} - at `$.columns.{name}[{damage.row}]`") from None
        ids = ids or column
        table.append(array("q", column if isinstance(column, list) else list(column)).tobytes())
    if reader.at != len(data):
        raise WireError(f"{len(data) - reader.at} bytes stand after the last column - at `$.columns`")
    return b"".join(table)


def _ids(column: Numbers, _ids: Numbers, _tables: Tables) -> Numbers:
    _refuse(min, column, lambda step: step == 0, "the id is not greater than the previous row's")
    ids = list(accumulate(column))
    _refuse(max, ids, lambda number: number >= _IDS, "an id is at most {}", _IDS - 1)
    return ids


def _parents(column: Numbers, ids: Numbers, tables: Tables) -> Numbers:
    parents = _roots(column, ids, tables)
    return [parent if step else 0 for parent, step in zip(parents, column, strict=True)]


def _roots(column: Numbers, ids: Numbers, _tables: Tables) -> Numbers:
    roots = list(map(sub, ids, column))
    _refuse(min, roots, lambda number: number <= 0, "it is no id: {} - {} is below 1", ids, column)
    return roots


def _index(table: str) -> Callable[[Numbers, Numbers, Tables], Numbers]:
    def read_indexes(column: Numbers, _ids: Numbers, tables: Tables) -> Numbers:
        size: int = getattr(tables, table) + (table == "exceptions")
        _refuse(max, column, lambda index: index >= size, f"{{}} names no entry of `{table}`", column)
        return column

    return read_indexes


def _acquires(column: Numbers, _ids: Numbers, tables: Tables) -> Numbers:
    if column and column[0]:
        raise Damage(f"the first row's acquire is base_ns, its step is {column[0]}", 0)
    _refuse(max, column, lambda half: half >> 1 >= _DURATIONS, "the step {} is out of range", column)
    acquires = list(accumulate([half >> 1 ^ -(half & 1) for half in column], initial=tables.base_ns))[1:]
    for extreme in (min, max):
        _refuse(
            extreme,
            acquires,
            lambda acquire_ns: not 0 <= acquire_ns + tables.offset_ns < _INSTANTS,
            f"wall time {{}} + {tables.offset_ns} ns is out of range",
            acquires,
        )
    return acquires


def _durations(column: Numbers, _ids: Numbers, _tables: Tables) -> Numbers:
    _refuse(max, column, lambda duration: duration > _DURATIONS, "a duration is at most {} ns", _DURATIONS - 1)
    return [duration - 1 for duration in column]


def _outcomes(column: Numbers, _ids: Numbers, _tables: Tables) -> Numbers:
    _refuse(
        max, column, lambda outcomes: outcomes >= _OUTCOMES, "outcomes are at most {}, not {}", _OUTCOMES - 1, column
    )
    return column


def _refuse(
    extreme: Callable[[Numbers], int],
    values: Numbers,
    is_wrong: Callable[[int], bool],
    problem: str,
    *said: int | Numbers,
) -> None:
    """Refuse the first value that is wrong; if one is, the extreme is."""
    if values and is_wrong(extreme(values)):
        row = next(row for row, value in enumerate(values) if is_wrong(value))
        raise Damage(problem.format(*(word if isinstance(word, int) else word[row] for word in said)), row)


_MEANINGS: dict[str, Callable[[Numbers, Numbers, Tables], Numbers]] = {
    "id": _ids,
    "parent": _parents,
    "root": _roots,
    "task": _index("tasks"),
    "resource": _index("resources"),
    "site": _index("sites"),
    "acquire": _acquires,
    "wait": _durations,
    "hold": _durations,
    "release": _durations,
    "outcomes": _outcomes,
    "body": _index("exceptions"),
    "own": _index("exceptions"),
}


def steps_of(acquires: Iterable[int]) -> list[int]:
    """How much later than the one before each is; 0 of the first."""
    return [0, *(later - earlier for earlier, later in pairwise(acquires))]
