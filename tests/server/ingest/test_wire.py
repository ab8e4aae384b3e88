"""The wire schema that a collector must continue to read."""

from __future__ import annotations

import re

import msgspec
import pytest
from msgspec.structs import replace
from tests.support.wire_forms import FORMS, GOLDEN, VERSION_1, WITH_CANCELLERS

from tenure import wire


@pytest.mark.parametrize(("name", "batch"), FORMS)
def test_version_1_is_written_as_pinned(name: str, batch: wire.Batch) -> None:
    """Collectors of this version are in use."""
    assert wire.encode(batch) == (GOLDEN / f"{name}.msgpack").read_bytes()
    assert msgspec.json.format(msgspec.json.encode(batch)) == (GOLDEN / f"{name}.json").read_bytes().rstrip()


@pytest.mark.parametrize(("name", "batch"), [*FORMS, *((f"read/{name}", batch) for name, batch in FORMS[:4])])
def test_version_1_is_read_as_it_always_was(name: str, batch: wire.Batch) -> None:
    """From MessagePack, and from the JSON of a recording."""
    assert wire.decode((GOLDEN / f"{name}.msgpack").read_bytes()) == batch
    assert wire.decode_json((GOLDEN / f"{name}.json").read_bytes()) == batch


@pytest.mark.parametrize(
    ("pool", "what"),
    [
        (wire.Pool(2, 0), "2 names no entry of `resources` - at `$.pools[0][0]`"),
        (wire.Pool(0, -1), "Expected `int` >= 0 - at `$.pools[0][1]`"),
        (wire.Pool(0, 0, None, [-1]), "Expected `int` >= 0 - at `$.pools[0][3][0]`"),
        (
            wire.Pool(0, 0, None, [1] * (wire.MAX_CREATED + 1)),
            "Expected `array` of length <= 1000 - at `$.pools[0][3]`",
        ),
    ],
)
def test_a_pool_that_is_none_is_refused_with_its_place(pool: wire.Pool, what: str) -> None:
    """As everything else of a batch."""
    with pytest.raises(wire.WireError) as raised:
        wire.decode(wire.encode(replace(VERSION_1, pools=[pool])))
    assert str(raised.value) == what


def test_a_propagated_row_that_is_none_is_refused_with_its_place() -> None:
    """As everything else of a batch."""
    with pytest.raises(wire.WireError) as raised:
        wire.decode(wire.encode(replace(VERSION_1, propagated=[0, 3])))
    assert str(raised.value) == "3 names no entry of `rows` - at `$.propagated[1]`"


@pytest.mark.parametrize("batch", [batch for _, batch in FORMS], ids=[name for name, _ in FORMS])
def test_an_older_reader_ignores_the_tables_that_it_does_not_know(batch: wire.Batch) -> None:
    """It reads the rest as it always did."""
    old = msgspec.msgpack.Decoder(msgspec.defstruct("Batch", [(f.name, f.type) for f in _fields_of_the_first_reader()]))
    read = old.decode(wire.encode(batch))
    assert read.rows == batch.rows
    assert read.exceptions == batch.exceptions


def _fields_of_the_first_reader() -> list[msgspec.structs.FieldInfo]:
    since = {"cancellers", "pools", "responses", "releases", "awaits", "stalls", "propagated"}
    return [field for field in msgspec.structs.fields(wire.Batch) if field.name not in since]


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (wire.Response(3, 200), "3 names no entry of `rows` - at `$.responses[0][0]`"),
        (wire.Response(-1, 200), "Expected `int` >= 0 - at `$.responses[0][0]`"),
        (wire.Response(0, 99), "Expected `int` >= 100 - at `$.responses[0][1]`"),
        (wire.Response(0, 1000), "Expected `int` <= 999 - at `$.responses[0][1]`"),
    ],
)
def test_a_response_names_a_row_and_has_a_status(response: wire.Response, said: str) -> None:
    """Else the batch is refused, with the place."""
    with pytest.raises(wire.WireError, match=re.escape(said)):
        wire.decode(wire.encode(replace(VERSION_1, responses=[response])))


@pytest.mark.parametrize(
    ("canceller", "said"),
    [
        ([3, 0, "", 0], "3 names no entry of `exceptions` - at `$.cancellers[1][0]`"),
        ([1, 4, "", 0], "4 names no entry of `tasks` - at `$.cancellers[1][1]`"),
        ([1, 0, "", 3], "3 names no entry of `sites` - at `$.cancellers[1][3]`"),
        ([0, 0, "", 0], "Expected `int` >= 1 - at `$.cancellers[1][0]`"),
    ],
)
def test_a_canceller_names_what_is_in_the_tables(canceller: list[object], said: str) -> None:
    """Else the batch is refused, with the place."""
    wrong = msgspec.msgpack.decode(wire.encode(WITH_CANCELLERS))
    wrong["cancellers"][1] = canceller
    with pytest.raises(wire.WireError, match=re.escape(said)):
        wire.decode(msgspec.msgpack.encode(wrong))


def test_fields_that_a_later_tracer_adds_are_passed_over() -> None:
    """A row, a table's entry and the batch itself may grow at their ends without a new version."""
    grown = msgspec.msgpack.decode(wire.encode(VERSION_1))
    grown["hint"] = "new"
    for entry in (grown["rows"][0], grown["rows"][1], grown["sites"][1], grown["process"]):
        entry.append("new")
    # the first row leaves defaults out: what is appended must not be taken for one of them
    grown["rows"][0] = [*grown["rows"][0][:11], 0, 0, "new"]
    assert wire.decode(msgspec.msgpack.encode(grown)) == VERSION_1


def test_ids_outside_the_process_are_the_same_for_ever() -> None:
    """They are derived, so that exporting again repeats them."""
    process = bytes(range(16))
    assert wire.public_id(process, 9) == "000102030405060708090a0b0c0d0e0f-9"
    assert wire.trace_id(process, 9) == "8ff449887da362c997fc519085ab6acc"
    assert wire.span_id(process, 9) == "97fc519085ab6acc"
