"""A body that is no batch is refused with the reason and its place, and changes nothing in the store."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.server.support.batches import ERROR, OK, Program
from tests.server.support.collector import Collector, collecting
from tests.server.support.hostile_requests import bomb
from tests.server.support.store_queries import everything
from tests.support.fuzzing import examples

from tenure import wire
from tenure_server import app

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def a_batch(sequence: int = 1) -> wire.Batch:
    """Something of everything."""
    program = Program(sequence=sequence - 1)
    outer = program.use("main", "Pool orders", acquire=0, wait=1, hold=100, release=2)
    program.task("worker-1", parent="main", created_in=outer, created=4, finished=60, outcome=OK)
    program.use("worker-1", "Lock stock", acquire=10, wait=1, hold=5, release=1, parent=outer)
    program.use("worker-1", "Lock stock", acquire=20, wait=1, hold=5, release=1, parent=outer)
    program.use(
        "main", "Lock stock", acquire=30, wait=1, hold=5, release=1, body=ERROR, body_exception=("ValueError", "no")
    )
    return program.batch(dropped={"full": 1})


def plain() -> dict[str, Any]:
    """The batch as builtin types, to be spoilt."""
    return msgspec.msgpack.decode(wire.encode(a_batch()))  # type: ignore[no-any-return]


def spoilt(*path: str | int, value: object) -> bytes:
    """The batch with one value replaced."""
    whole = plain()
    place: Any = whole
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return msgspec.msgpack.encode(whole)


def without(name: str) -> bytes:
    whole = plain()
    del whole[name]
    return msgspec.msgpack.encode(whole)


WHOLE = wire.encode(a_batch())

MALFORMED: list[tuple[str, bytes, str]] = [
    ("nothing at all", b"", "truncated"),
    ("no MessagePack", b"\xc1\xc1\xc1", "malformed"),
    ("JSON", json.dumps(plain(), default=str).encode(), "Expected `object`, got `int`"),
    ("cut off", WHOLE[:-5], "truncated"),
    ("something after the end", WHOLE + b"\0", "trailing"),
    ("a list", msgspec.msgpack.encode([1, 2, 3]), "Expected `object`, got `array`"),
    ("no process", without("process"), "missing required field `process`"),
    ("no rows", without("rows"), "missing required field `rows`"),
    ("a text for a number", spoilt("rows", 3, 2, value="x"), "Expected `int`, got `str` - at `$.rows[3][2]`"),
    ("a short row", spoilt("rows", 3, value=[1, 2, 3]), "`$.rows[3]`"),
    ("an index past its table", spoilt("rows", 3, 5, value=99), "99 names no entry of `sites` - at `$.rows[3][5]`"),
    ("a negative index", spoilt("rows", 3, 4, value=-1), "Expected `int` >= 0 - at `$.rows[3][4]`"),
    ("an exception that is not there", spoilt("rows", 3, 11, value=2), "`exceptions` - at `$.rows[3][11]`"),
    ("a task's exception", spoilt("tasks", 1, 9, value=5), "`exceptions` - at `$.tasks[1][9]`"),
    ("an id of zero", spoilt("rows", 3, 0, value=0), "`$.rows[3][0]`"),
    ("an id past 40 bits", spoilt("rows", 3, 0, value=1 << 40), "`$.rows[3][0]`"),
    ("outcomes past their bits", spoilt("rows", 3, 10, value=256), "`$.rows[3][10]`"),
    ("a duration past all ages", spoilt("rows", 3, 8, value=1 << 60), "`$.rows[3][8]`"),
    ("a time before 1970", spoilt("clock_offset_ns", value=-(1 << 60)), "is out of range - at `$.rows[0][6]`"),
    ("a time past 64 bits", spoilt("base_ns", value=(1 << 62) - 1), "is out of range - at `$.rows[0][6]`"),
    ("a number past 64 bits", spoilt("base_ns", value=(1 << 64) - 1), "`$.base_ns`"),
    ("a sequence of zero", spoilt("sequence", value=0), "`$.sequence`"),
    ("a short process id", spoilt("process", 0, value=b"short"), "length >= 16 - at `$.process[0]`"),
    ("a short trace id", spoilt("traces", 0, value=[1, 0, b"short"]), "`$.traces[0][2]`"),
    ("a very long name", spoilt("resources", 1, 2, value="x" * 5_000), "length <= 4096 - at `$.resources[1][2]`"),
    ("an outcome that is none", spoilt("tasks", 0, 8, value=4), "`$.tasks[0][8]`"),
    ("a kind that is none", spoilt("tasks", 0, 3, value="fiber"), "Invalid enum value 'fiber' - at `$.tasks[0][3]`"),
    ("a count below zero", spoilt("dropped", value={"full": -1}), "`$.dropped[...]`"),
    ("too many rows", spoilt("rows", value=plain()["rows"] * 5_001), "length <= 20000 - at `$.rows`"),
    ("too many sites", spoilt("sites", value=plain()["sites"] * 10_001), "length <= 20000 - at `$.sites`"),
    ("too many pools", spoilt("pools", value=[[0, 1]] * 2_001), "length <= 2000 - at `$.pools`"),
    ("text that is no UTF-8", WHOLE.replace(b"host-1", b"host\xff\xff"), "utf-8"),
    ("nested for ever", b"\x91" * 100_000, "Expected `object`, got `array`"),
    ("nested in a place", b"\x81\xa4rows" + b"\x91" * 100_000, "`$.rows"),
]


@pytest.mark.parametrize(("body", "detail"), [case[1:] for case in MALFORMED], ids=[case[0] for case in MALFORMED])
async def test_what_is_malformed_is_refused_with_its_place(collector: Collector, body: bytes, detail: str) -> None:
    """400, never to be sent again; the store is as it was."""
    await collector.post(a_batch(sequence=7))
    before = await everything(collector.store)

    status, answer = await collector.send(body)

    assert (status, answer["title"]) == (400, "Bad Request")
    assert detail in answer["detail"]
    assert await everything(collector.store) == before


@pytest.mark.parametrize("version", [0, 3, 99])
async def test_another_version_is_refused_naming_both(collector: Collector, version: int) -> None:
    """Whatever else has changed in that version."""
    for body in (spoilt("version", value=version), msgspec.msgpack.encode({"version": version, "rows": "otherwise"})):
        status, answer = await collector.send(body)
        assert status == 400
        assert f"version {version}, this side reads versions 1 and 2 - at `$.version`" in answer["detail"]
    assert (await everything(collector.store))[0] == []


REFUSED: list[tuple[str, int, str, Callable[[], tuple[bytes, dict[str, str]]]]] = [
    ("no type", 415, "unsupported Content-Type", lambda: (WHOLE, {"Content_Type": "application/octet-stream"})),
    ("JSON by its type", 415, "application/json", lambda: (WHOLE, {"Content_Type": "application/json"})),
    ("a form", 415, "unsupported Content-Type", lambda: (WHOLE, {"Content_Type": "application/x-www-form-urlencoded"})),
    ("an unknown encoding", 415, "'br' (expected one of: zstd, gzip", lambda: (WHOLE, {"Content_Encoding": "br"})),
    ("two encodings", 415, "expected one of", lambda: (gzip.compress(WHOLE), {"Content_Encoding": "gzip, gzip"})),
    ("no gzip", 400, "is not valid gzip", lambda: (WHOLE, {"Content_Encoding": "gzip"})),
    ("no zstd", 400, "is not valid zstd", lambda: (WHOLE, {"Content_Encoding": "zstd"})),
    ("gzip cut off", 400, "cut off", lambda: (gzip.compress(WHOLE)[:-9], {"Content_Encoding": "gzip"})),
    ("zstd cut off", 400, "cut off", lambda: (zstd.compress(WHOLE)[:-5], {"Content_Encoding": "zstd"})),
    ("a wrong sum", 400, "is not valid gzip", lambda: (_spoil_sum(gzip.compress(WHOLE)), {"Content_Encoding": "gzip"})),
    ("no body", 400, "cut off", lambda: (b"", {"Content_Encoding": "gzip"})),
    ("a gzip bomb", 413, "16777216 bytes", lambda: (bomb(), {"Content_Encoding": "gzip"})),
    ("a zstd bomb", 413, "16777216 bytes", lambda: (zstd.compress(b"\0" * (64 << 20)), {"Content_Encoding": "zstd"})),
    ("a large body", 413, "16777216 bytes", lambda: (b"\0" * ((16 << 20) + 1), {})),
]  # fmt: skip


def _spoil_sum(data: bytes) -> bytes:
    return data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]


@pytest.mark.parametrize(
    ("status", "detail", "make"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
async def test_what_cannot_be_read_is_refused_with_its_reason(
    collector: Collector, status: int, detail: str, make: Callable[[], tuple[bytes, dict[str, str]]]
) -> None:
    """The status says whether to send it otherwise or not at all; the store is as it was."""
    body, headers = make()
    got, answer = await collector.send(body, **headers)
    assert (got, answer["status"]) == (status, status)
    assert detail in answer["detail"]
    assert (await everything(collector.store))[0] == []


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "identity", "GZIP"])
async def test_a_batch_may_be_compressed(collector: Collector, encoding: str) -> None:
    """In one piece or, as the formats allow, in several."""
    pack: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress, "identity": bytes}
    squeeze = pack[encoding.lower()]
    body = squeeze(WHOLE[:50]) + squeeze(WHOLE[50:])
    assert await collector.send(body, Content_Encoding=encoding) == (200, {"stored": 4})


async def test_a_body_without_a_length_is_bounded_too(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream of unknown length is read up to the limit, not to its end."""
    monkeypatch.setattr(app, "LINGER_S", 0.5)
    sent = 0

    async def pieces() -> Any:
        nonlocal sent
        for _ in range(200):
            sent += 1 << 20
            yield b"\0" * (1 << 20)

    headers = {"Content-Type": wire.CONTENT_TYPE}
    async with collector.session.post(f"{collector.url}/v1/lifecycles", data=pieces(), headers=headers) as answer:
        assert answer.status == 413
    assert sent < 100 << 20


async def test_the_refused_are_counted_and_a_good_batch_still_goes_in(collector: Collector) -> None:
    """A client gone wrong does not take the collector with it."""
    for body in (b"", WHOLE[:9], msgspec.msgpack.encode({"version": 5})):
        assert (await collector.send(body))[0] == 400
    await collector.post(a_batch())
    metrics = await collector.answer("/metrics")
    assert 'tenure_refused_total{reason="malformed"} 2.0' in metrics
    assert 'tenure_refused_total{reason="version"} 1.0' in metrics
    assert "tenure_lifecycles_total 4.0" in metrics


async def test_contradictions_are_stored_as_far_as_they_make_sense(collector: Collector) -> None:
    """Outcomes and durations that no tracer would send together are no reason to lose the rest, or to fail later."""
    batch = a_batch()
    for number, durations in enumerate([(-1, 5, -1), (-1, -1, 5), (5, -1, 5), (-1, 5, 5)]):
        row = msgspec.structs.replace(
            batch.rows[0], wait_ns=durations[0], hold_ns=durations[1], release_ns=durations[2], outcomes=0
        )
        await collector.post(replace(batch, sequence=number + 1, rows=[replace(row, id=number + 10)]))
    assert len((await collector.answer("/api/lifecycles"))["items"]) == 4
    for path in ("/api/resources", "/api/traces", "/api/diagram", "/api/diagram?format=mermaid"):
        await collector.answer(path)


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(1, 255)), min_size=1, max_size=6))
def test_flipped_bytes_are_stored_or_refused_but_never_a_fault(flips: list[tuple[int, int]]) -> None:
    """Any bytes of a good batch changed: 200 or 400, and all that can be asked is still answered."""
    body = bytearray(WHOLE)
    for place, change in flips:
        body[place] ^= change

    async def send() -> None:
        async with collecting() as collector:
            status, answer = await collector.send(bytes(body))
            assert status in {200, 400}, answer
            for path in ("/api/processes", "/api/resources", "/api/lifecycles", "/api/traces", "/api/diagram"):
                await collector.answer(path)
            assert await collector.answer("/api/diagram?format=mermaid")

    asyncio.run(send())
