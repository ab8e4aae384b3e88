"""The columns of version 2: C and Python write and read the same, and refuse what is damaged."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.fuzzing import examples

from tenure import wire
from tenure.wire import column_values, columns
from tenure.wire.columns import NAMES, Tables

TABLES = Tables(5_000_000_000, 1_700_000_000_000_000_000, 4, 3, 5, 2)
DURATION = st.one_of(st.just(-1), st.integers(0, 300), st.integers(0, (1 << 57) - 1))
IDS = st.one_of(st.integers(1, 3), st.integers(1, 1 << 20))
STEP = st.one_of(st.integers(-100, 100), st.integers(-(10**12), 10**12))


def native() -> Any:
    """The extension, where it was built."""
    return importlib.import_module("tenure._probe")


@st.composite
def programs(draw: st.DrawFn) -> tuple[list[tuple[int, ...]], list[int]]:
    """Rows in the order of their ids, and their roots."""
    rows: list[tuple[int, ...]] = []
    roots: list[int] = []
    number = 0
    for _ in range(draw(st.integers(0, 40))):
        number += draw(IDS)
        before = [row[0] for row in rows]
        parent = draw(st.sampled_from([0, *before[-3:]]))
        roots.append(draw(st.sampled_from([number, *before[-3:]])))
        rows.append(
            (
                number,
                parent,
                0,
                draw(st.integers(0, TABLES.tasks - 1)),
                draw(st.integers(0, TABLES.resources - 1)),
                draw(st.integers(0, TABLES.sites - 1)),
                draw(STEP) if rows else 0,
                draw(DURATION),
                draw(DURATION),
                draw(DURATION),
                draw(st.integers(0, 255)),
                draw(st.integers(0, TABLES.exceptions)),
                draw(st.integers(0, TABLES.exceptions)),
            )
        )
    return rows, roots


def table_of(rows: list[tuple[int, ...]], roots: list[int]) -> list[list[int]]:
    """What reading must give, by column."""
    acquires, acquire = [], TABLES.base_ns
    for row in rows:
        acquire += row[6]
        acquires.append(acquire)
    table = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in NAMES]
    table[2], table[6] = roots, acquires
    return table


def numbers(table: bytes, count: int) -> list[list[int]]:
    return [memoryview(table).cast("q")[n * count : n * count + count].tolist() for n in range(len(NAMES))]


@settings(max_examples=examples(150), deadline=None)
@given(programs())
def test_what_is_written_is_read_in_c_and_in_python(program: tuple[list[tuple[int, ...]], list[int]]) -> None:
    """Each reader reads what each writer writes."""
    probe, (rows, roots) = native(), program
    for written in (probe.columns_write(rows, roots), columns.write(rows, roots)):
        for read in (probe.columns_read(written, len(rows), *TABLES), columns.read(written, len(rows), TABLES)):
            assert numbers(read, len(rows)) == table_of(rows, roots)


@settings(max_examples=examples(150), deadline=None)
@given(programs(), st.dictionaries(st.integers(1, 60), st.integers(1, 1 << 50), max_size=5))
def test_a_store_gets_the_same_values_from_c_and_from_python(
    program: tuple[list[tuple[int, ...]], list[int]], traces: dict[int, int]
) -> None:
    """Fresh rows in one list, those sent before as tuples, and the latest instant."""
    probe, (rows, roots) = native(), program
    table = columns.read(columns.write(rows, roots) or b"", len(rows), TABLES)
    store = wire.StoreKeys(
        7, 1 << 40, traces, [11, 12, 13, 14], [21, 22, 23], [1, 2, 3, 4, 5], [0, 1, 2], [0, 128, 0, 128, 0]
    )
    fresh, resent, latest_ns = probe.columns_values(table, *store)
    assert (fresh, resent, latest_ns) == column_values.values(table, store)
    assert len(fresh) == 13 * sum(not row[10] & wire.RESENT for row in rows)
    assert [row[0] for row in resent] == [(1 << 40) + row[0] for row in rows if row[10] & wire.RESENT]


@settings(max_examples=examples(400), deadline=None)
@given(programs(), st.data())
def test_damage_is_refused_by_both_or_read_alike(
    program: tuple[list[tuple[int, ...]], list[int]], data: st.DataObject
) -> None:
    """A changed, missing or added byte, or another count: never a crash, and one meaning."""
    probe, (rows, roots) = native(), program
    writer = data.draw(st.sampled_from([probe.columns_write, columns.write]))
    damaged = bytearray(writer(rows, roots))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged)))
        damaged[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    count = data.draw(st.sampled_from([len(rows), len(rows) + 1, max(0, len(rows) - 1), wire.MAX_ROWS]))
    by_c = probe.columns_read(bytes(damaged), count, *TABLES)
    if by_c is None:
        with pytest.raises(wire.WireError, match=r"at `\$\.columns"):
            columns.read(bytes(damaged), count, TABLES)
    else:
        assert by_c == columns.read(bytes(damaged), count, TABLES)


def spoilt(column: str, written: bytes) -> bytes:
    """Two plain rows with one column replaced."""
    plain = dict.fromkeys(NAMES, b"\0\0") | {"id": b"\0\1"}
    return b"".join((plain | {column: written}).values())


DAMAGE = [
    ("id", b"\1\1\0", "the id is not greater than the previous row's - at `$.columns.id[1]`"),
    (
        "id",
        b"\6" + bytes([1] + [0] * 7) + bytes([0] * 7 + [1]),
        "an id is at most 1099511627775 - at `$.columns.id[1]`",
    ),
    ("parent", b"\3\0\2", "it is no id: 2 - 2 is below 1 - at `$.columns.parent[1]`"),
    ("root", b"\3\0\3", "it is no id: 2 - 3 is below 1 - at `$.columns.root[1]`"),
    ("task", b"\3\0\4", "4 names no entry of `tasks` - at `$.columns.task[1]`"),
    ("site", b"\0\x63", "99 names no entry of `sites` - at `$.columns.site[0]`"),
    ("acquire", b"\3\2\0", "the first row's acquire is base_ns, its step is 2 - at `$.columns.acquire[0]`"),
    ("acquire", b"\6" + bytes(8) + b"\xff" * 8, "is out of range - at `$.columns.acquire[1]`"),
    ("hold", b"\6" + bytes(8) + b"\xff" * 8, "a duration is at most 144115188075855871 ns - at `$.columns.hold[1]`"),
    ("outcomes", b"\4\0\0\0\1", "outcomes are at most 255, not 256 - at `$.columns.outcomes[1]`"),
    ("own", b"\3\2\3", "3 names no entry of `exceptions` - at `$.columns.own[1]`"),
    ("wait", b"\7\0", "a column has the unknown mode 7 - at `$.columns.wait[0]`"),
    ("wait", b"\1" + b"\xff" * 10, "a number has more than 64 bits - at `$.columns.wait[0]`"),
    ("wait", b"\1" + b"\xff" * 9 + b"\2", "a number has more than 64 bits - at `$.columns.wait[0]`"),
    ("wait", b"\2\1\0", "a run has 0 rows, 2 are left - at `$.columns.wait[0]`"),
    ("wait", b"\2\1\1\1\2", "a run has 2 rows, 1 are left - at `$.columns.wait[1]`"),
    ("own", b"\6" + bytes(12), "the column is cut off - at `$.columns.own[1]`"),
    ("own", b"\1\0\x80", "the column is cut off - at `$.columns.own[1]`"),
    ("own", b"", "the columns are cut off - at `$.columns.own[0]`"),
    ("own", b"\0\0\0\0", "2 bytes stand after the last column - at `$.columns`"),
]


@pytest.mark.parametrize(("column", "written", "problem"), DAMAGE)
def test_damage_names_its_column_and_its_row(column: str, written: bytes, problem: str) -> None:
    """The backend that serves says it, whichever it is."""
    with pytest.raises(wire.WireError) as raised:
        importlib.import_module("tenure.wire.columns_backend").read(spoilt(column, written), 2, TABLES)
    assert str(raised.value).endswith(problem)
    assert native().columns_read(spoilt(column, written), 2, *TABLES) is None


@pytest.mark.parametrize(
    ("row", "root"),
    [
        ((2, 3, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0), 2),
        ((2, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0), 3),
        ((1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0), 1),
        ((2, 0, 0, 0, 0, 0, 0, 1, -2, 1, 0, 0, 0), 1),
        ((2, 0, 0, 0, 0, 0, 0, 1, 1 << 65, 1, 0, 0, 0), 1),
    ],
)
def test_rows_that_columns_cannot_have_are_not_written(row: tuple[int, ...], root: int) -> None:
    """A parent or a root younger than its child, ids out of order, numbers past 64 bits."""
    rows = [(1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0), row]
    assert columns.write(rows, [1, root]) is None
    assert native().columns_write(rows, [1, root]) is None
