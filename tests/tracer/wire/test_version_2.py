"""Batches of version 2 mean what those of version 1 mean, and are read for ever."""

from __future__ import annotations

import gc
import importlib
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from tests.support.wire_forms import FORMS, GOLDEN, VERSION_1, WITH_TRUTHS, meaning

from tenure import wire
from tenure.wire import columns_backend

PROBE = importlib.import_module("tenure._probe")
BACKENDS = [("c", PROBE), ("python", None)]


@pytest.fixture(params=[native for _, native in BACKENDS], ids=[name for name, _ in BACKENDS])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Columns written and read by C, then by Python."""
    monkeypatch.setattr(columns_backend, "_native", request.param)
    return request.param


def golden(name: str, writer: str) -> bytes:
    return (GOLDEN / f"{name.replace('version_1', 'version_2')}_by_{writer}.msgpack").read_bytes()


@pytest.mark.parametrize(("name", "batch"), FORMS)
@pytest.mark.parametrize(("writer", "native"), BACKENDS)
def test_version_2_is_written_as_pinned(
    name: str, batch: wire.Batch, writer: str, native: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C writes the fewest bytes, Python fixed widths."""
    monkeypatch.setattr(columns_backend, "_native", native)
    assert wire.encode(batch, wire.VERSION_2) == golden(name, writer)


@pytest.mark.parametrize(("name", "batch"), FORMS)
@pytest.mark.parametrize("writer", ["c", "python"])
@pytest.mark.usefixtures("backend")
def test_version_2_means_what_version_1_means(name: str, batch: wire.Batch, writer: str) -> None:
    """Read by either reader, and written again as either version."""
    read = wire.decode(golden(name, writer))
    assert read.version == wire.VERSION_2
    assert meaning(read) == meaning(batch)
    assert wire.encode(read, wire.VERSION_2) == golden(name, writer)
    assert meaning(wire.decode(wire.encode(read))) == meaning(batch)
    assert meaning(wire.decode_json(wire.encode_json(read))) == meaning(batch)


@pytest.mark.usefixtures("backend")
def test_rows_and_traces_are_sequences() -> None:
    """They are made once, at first use; their number is known before."""
    read = wire.decode(wire.encode(VERSION_1, wire.VERSION_2))
    assert isinstance(read.rows, wire.ColumnRows)
    assert len(read.rows) == 3
    assert [row.id for row in read.rows[1:]] == [9, 10]
    assert read.rows[1] is read.rows[1]
    assert read.rows == list(read.rows)
    assert read.rows.column("id").tolist() == [7, 9, 10]
    assert [trace.root for trace in read.traces] == [9, 7]
    assert repr(read.traces) == repr(list(read.traces))


@pytest.mark.usefixtures("backend")
def test_a_batch_of_columns_is_no_circle_of_references() -> None:
    """A table of 2 MB goes with its batch, and waits for no garbage collection."""
    gc.collect()
    gc.disable()
    try:
        batch = wire.decode(wire.encode(VERSION_1, wire.VERSION_2))
        assert len(batch.rows) + len(batch.traces) == 5
        del batch
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.usefixtures("backend")
def test_a_batch_without_rows_has_columns_without_numbers() -> None:
    """A heartbeat, and what only says that a task has ended."""
    empty = replace(VERSION_1, rows=[], traces=[])
    encoded = wire.encode(empty, wire.VERSION_2)
    assert meaning(wire.decode(encoded)) == meaning(empty)
    assert msgspec.msgpack.decode(encoded)["columns"] == bytes(26)


@pytest.mark.usefixtures("backend")
def test_the_first_row_begins_at_the_base() -> None:
    """Its step is added to base_ns, so that no instant changes."""
    later = replace(VERSION_1, rows=[replace(VERSION_1.rows[0], acquire_ns=40), *VERSION_1.rows[1:]])
    read = wire.decode(wire.encode(later, wire.VERSION_2))
    assert read.base_ns == VERSION_1.base_ns + 40
    assert [row.acquire_ns for row in read.rows] == [0, 200, -100]


@pytest.mark.usefixtures("backend")
def test_rows_out_of_order_are_written_as_version_1() -> None:
    """Nothing is lost of a batch that columns cannot have."""
    turned = replace(VERSION_1, rows=VERSION_1.rows[::-1])
    assert wire.decode(wire.encode(turned, wire.VERSION_2)) == turned


def spoilt(**fields: object) -> bytes:
    return msgspec.msgpack.encode(msgspec.msgpack.decode(wire.encode(WITH_TRUTHS, wire.VERSION_2)) | fields)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"count": 20_001}, "Expected `int` <= 20000 - at `$.count`"),
        ({"count": -1}, "Expected `int` >= 0 - at `$.count`"),
        ({"count": 1 << 60}, "Expected `int` <= 20000 - at `$.count`"),
        ({"count": 20_000}, "at `$.columns."),
        ({"count": 4}, "at `$.columns."),
        ({"columns": b""}, "the columns are cut off - at `$.columns.id[0]`"),
        ({"columns": "text"}, "Expected `bytes`, got `str` - at `$.columns`"),
        ({"responses": [[3, 200]]}, "3 names no entry of `rows` - at `$.responses[0][0]`"),
        ({"propagated": [3]}, "3 names no entry of `rows` - at `$.propagated[0]`"),
        ({"tasks": []}, "0 names no entry of `tasks` - at `$.columns.task[0]`"),
        ({"clock_offset_ns": -(1 << 61)}, "is out of range - at `$.columns.acquire[0]`"),
        ({"version": 3}, "version 3, this side reads versions 1 and 2 - at `$.version`"),
    ],
)
@pytest.mark.usefixtures("backend")
def test_what_is_malformed_is_refused_with_its_place(fields: dict[str, object], problem: str) -> None:
    """The number of rows is checked before anything is made of it."""
    with pytest.raises(wire.WireError) as raised:
        wire.decode(spoilt(**fields))
    assert problem in str(raised.value)


@pytest.mark.usefixtures("backend")
def test_the_fields_of_version_2_may_come_in_any_order() -> None:
    """As those of version 1 may."""
    fields = msgspec.msgpack.decode(wire.encode(VERSION_1, wire.VERSION_2))
    turned = msgspec.msgpack.encode(dict(reversed(fields.items())) | {"hint": "new"})
    assert meaning(wire.decode(turned)) == meaning(VERSION_1)
