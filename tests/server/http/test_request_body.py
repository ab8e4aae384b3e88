"""Compressed bodies: every division into members is read, within the length limit, without blocking the event loop."""

from __future__ import annotations

import asyncio
import gzip
import sys
import threading
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.support.batches import Program
from tests.server.support.collector import Collector
from tests.support.fuzzing import examples

from tenure import wire
from tenure_server import limits
from tenure_server.errors import RequestRefused
from tenure_server.http import decompression, request_body
from tenure_server.ingest import lifecycles

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress}
BOTH = pytest.mark.parametrize("encoding", PACK)
CONTENT = st.one_of(st.binary(max_size=200), st.integers(0, 300_000).map(bytes))


def status_of(encoding: str, body: bytes) -> int:
    """What the sender is answered."""
    try:
        decompression.DECODERS[encoding](body)
    except RequestRefused as refused:
        return refused.status
    return 200


@settings(max_examples=examples(100), deadline=None)
@given(st.sampled_from(sorted(PACK)), st.lists(CONTENT, min_size=1, max_size=8))
def test_every_cut_into_members_is_read(encoding: str, parts: list[bytes]) -> None:
    """Empty ones, large ones, those that end within a piece or at its end: what comes out is what went in."""
    body = b"".join(map(PACK[encoding], parts))
    assert decompression.DECODERS[encoding](body) == b"".join(parts)
    assert decompression.DECODERS[encoding](bytearray(body)) == b"".join(parts)


@settings(max_examples=examples(200), deadline=None)
@given(st.sampled_from(sorted(PACK)), st.lists(CONTENT, min_size=1, max_size=3), st.data())
def test_a_damaged_body_is_read_or_refused(encoding: str, parts: list[bytes], data: st.DataObject) -> None:
    """Bytes changed, cut off, put in: there is an answer below 500 to each."""
    body = bytearray(b"".join(map(PACK[encoding], parts)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
    assert status_of(encoding, bytes(body)) in {200, 400, 413}


@settings(max_examples=examples(200), deadline=None)
@given(st.sampled_from(sorted(PACK)), st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(encoding: str, body: bytes) -> None:
    """Whatever stands in a body."""
    assert status_of(encoding, body) in {200, 400, 413}


@BOTH
def test_so_many_members_are_read_and_no_more(encoding: str) -> None:
    """The limit is named; what stands behind it is not looked at."""
    member = PACK[encoding](b"x")
    assert decompression.DECODERS[encoding](member * limits.MAX_MEMBERS) == b"x" * limits.MAX_MEMBERS
    with pytest.raises(RequestRefused, match=f"more than {limits.MAX_MEMBERS} {encoding} members") as refused:
        decompression.DECODERS[encoding](member * limits.MAX_MEMBERS + member[:3] + b"?")
    assert refused.value.status == 413


@BOTH
def test_what_is_copied_for_a_member_does_not_grow_with_the_body(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decoder is given a bounded piece, and so has a bounded rest to give back, however much follows."""
    given_: list[int] = []
    starts = {"gzip": (decompression.zlib, "decompressobj"), "zstd": (decompression.zstd, "ZstdDecompressor")}
    start = getattr(*starts[encoding])

    class Watched:
        def __init__(self, **options: int) -> None:
            self._member = start(**options)

        def decompress(self, piece: memoryview, max_length: int) -> bytes:
            given_.append(len(piece))
            return self._member.decompress(piece, max_length)  # type: ignore[no-any-return]

        def __getattr__(self, name: str) -> object:
            return getattr(self._member, name)

    body = PACK[encoding](b"") * (limits.MAX_MEMBERS - 1) + PACK[encoding](bytes(range(256))) + b""
    monkeypatch.setattr(*starts[encoding], Watched)
    monkeypatch.setattr(decompression, "_PIECE", 1_000)
    monkeypatch.setattr(decompression, "_GZIP", Watched)
    assert decompression.DECODERS[encoding](body) == bytes(range(256))
    assert max(given_) <= 1_000
    assert len(given_) <= limits.MAX_MEMBERS + len(body) // 1_000 + 1


def test_zeros_between_and_after_gzip_members_are_stepped_over() -> None:
    """As tar pads; also more than a piece of them."""
    body = gzip.compress(b"a") + bytes(200_000) + gzip.compress(b"b") + bytes(70_000)
    assert decompression.gunzip(body) == b"ab"


async def test_a_large_body_leaves_the_loop_to_others(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one is decoded a small one is stored and /healthz answers; a second large one waits for its turn."""
    began, go_on = threading.Event(), threading.Event()
    decoding: list[int] = []
    most: list[int] = []

    def slow(body: bytes) -> wire.Batch:
        if len(body) < limits.SMALL_ENCODED:
            return wire.decode(body)
        decoding.append(1)
        most.append(len(decoding))
        began.set()
        assert go_on.wait(20)
        decoding.pop()
        return wire.decode(body)

    monkeypatch.setattr(lifecycles, "decode", slow)
    large = wire.encode(Program(sequence=1).batch(dropped={"x" * 4_000 + str(i): 1 for i in range(20)}))
    sent = [asyncio.create_task(collector.send(large)) for _ in range(2)]
    async with asyncio.timeout(20):
        await asyncio.to_thread(began.wait, 20)
        assert (await collector.send(wire.encode(Program().batch())))[0] == 200
        assert await collector.answer("/healthz") == {"status": "ok"}
        assert not any(task.done() for task in sent)
        go_on.set()
        assert [status for status, _ in await asyncio.gather(*sent)] == [200, 200]
    assert most == [1, 1]


async def test_what_would_wait_past_the_limit_is_refused_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After; a body that has been read makes room."""
    monkeypatch.setattr(limits, "MAX_WAITING_BODIES", 10)
    work, go_on = request_body.BodyWork(), threading.Event()
    first = asyncio.create_task(work.do(b"12345678", lambda body: go_on.wait(20) and len(body)))
    await asyncio.sleep(0)
    with pytest.raises(RequestRefused, match="8 bytes are waiting to be read, the limit is 10") as refused:
        await work.do(b"123", len)
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": str(limits.RETRY_AFTER_S)})
    go_on.set()
    assert await first == 8
    assert await work.do(b"123", len) == 3
