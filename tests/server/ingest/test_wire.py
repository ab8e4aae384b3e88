"""The wire schema that a collector must continue to read."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from tenure import wire

GOLDEN = Path(__file__).parents[2] / "golden" / "wire"

VERSION_1 = wire.Batch(
    version=1,
    process=wire.Process(bytes(range(16)), "shop", "host-1", 4711, "3.11.7", 1_700_000_000_000_000_000),
    sequence=3,
    clock_offset_ns=1_699_999_995_000_000_000,
    base_ns=5_000_000_000,
    sites=[
        wire.Site("shop/stock.py", 41, "Stock.reserve", "self._lock"),
        wire.Site("shop/db.py", 12, "orders", "pool.acquire()", "acquire", "__aexit__"),
    ],
    resources=[
        wire.Resource(1, "asyncio.locks.Lock", "stock_lock", 1, "control"),
        wire.Resource(2, "shop.db.Pool", "pool", None, "database"),
    ],
    tasks=[
        wire.Task(1, "main", "main", "task", 0, 0, None, None),
        wire.Task(2, "worker-1", "worker", "task", 1, 7, 5_000_000_100, 5_000_900_000, wire.ERROR, 1),
        wire.Task(3, "MainThread", "", "thread", 0, 0, None, None),
    ],
    traces=[wire.Trace(7), wire.Trace(9, 7, bytes(range(16, 32)), bytes(range(8)))],
    exceptions=[wire.ExceptionInfo("ValueError", "out of stock: \N{HOT BEVERAGE}")],
    rows=[
        wire.Row(7, 0, 0, 0, 1, 1, 0, 1_200_000, -1, -1, wire.OK | wire.RESENT),
        wire.Row(9, 7, 1, 1, 0, 0, 200, 500, 120_000, 800, wire.OK | wire.ERROR << 2 | wire.OK << 4 | 1 << 6, 1, 0),
        wire.Row(10, 9, 1, 1, 0, 0, -100, -1, -1, 250_000, wire.CANCELLED, 0, 1),
    ],
    dropped={"full": 2},
    final=True,
)


# What tracers may say since cancellers were added: a field of the batch, which older ones do not have.
WITH_CANCELLERS = replace(
    VERSION_1,
    exceptions=[*VERSION_1.exceptions, wire.ExceptionInfo("asyncio.exceptions.CancelledError", "")],
    cancellers=[wire.Canceller(2, 1, "", 2), wire.Canceller(1, 0, "timeout 0.5 s", 0)],
)


WITH_POOLS = replace(VERSION_1, pools=[wire.Pool(1, 2, 5, [1_500_000, 30_000_000]), wire.Pool(0, 0, None, [], True)])
WITH_RESPONSES = replace(VERSION_1, responses=[wire.Response(1, 200), wire.Response(0, 503)])
WITH_TRUTHS = replace(
    VERSION_1,
    sites=[*VERSION_1.sites, wire.Site("lib/pool.py", 7, "Pool._fill", "self._lock", internal=True)],
    tasks=[*VERSION_1.tasks, replace(VERSION_1.tasks[0], id=4, loop=1, thread="MainThread")],
    releases=[wire.Release(1, 2)],
    awaits=[wire.Await(1, 5_000_100_000, "Queue.join", 1, 2), wire.Await(0, 5_000_200_000, "")],
    stalls=[wire.Stall(1, "MainThread", 5_000_300_000, 250_000_000, True, 1, 2, ["parse (shop/db.py:12)"])],
    propagated=[0],
)
# What was added since has a file of its own. ``read`` has files as earlier tracers wrote them.
FORMS = [
    ("version_1", VERSION_1),
    ("version_1_cancellers", WITH_CANCELLERS),
    ("version_1_pools", WITH_POOLS),
    ("version_1_responses", WITH_RESPONSES),
    ("version_1_truths", WITH_TRUTHS),
]


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
