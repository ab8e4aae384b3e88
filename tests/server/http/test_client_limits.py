"""Clients that are slow, silent or too many are disconnected, logged in few lines, and keep nobody else out."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tests.server.support.batches import Program
from tests.server.support.collector import Collector, collecting
from tests.server.support.live_client import watching
from tests.server.support.raw_clients import HALF_BODY, HALF_HEADER, HEALTHZ, Raw
from tests.support.waiting import until

from tenure_server.http.listening import complaints, connections, listener, receiving
from tenure_server.http.listening.complaints import Complaints
from tenure_server.http.listening.connections import Connection, Connections
from tenure_server.limits import BODY_LIMIT_S, HEADER_LIMIT_S, MAX_CONNECTIONS, RESERVED_FILES
from tenure_server.live import connection, messages


@pytest.fixture
async def connect(collector: Collector) -> AsyncIterator[Callable[[bytes], Any]]:
    """Connect, and send some bytes."""
    raws: list[Raw] = []

    async def connecting(data: bytes) -> Raw:
        host, port = collector.url.removeprefix("http://").split(":")
        raw = Raw(*await asyncio.open_connection(host, int(port)))
        raws.append(raw)
        raw.writer.write(data)
        await raw.writer.drain()
        return raw

    yield connecting
    for raw in raws:
        raw.writer.transport.abort()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Connections]:
    """The connections of the collectors that a test starts; to be named before ``collector``."""
    made: list[Connections] = []
    make = Connections.__init__

    def making(self: Connections, *arguments: Any) -> None:
        make(self, *arguments)
        made.append(self)

    monkeypatch.setattr(Connections, "__init__", making)
    return made


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    assert [record for record in caplog.records if record.exc_info] == []
    return [record.getMessage() for record in caplog.records]


async def test_a_header_that_does_not_come_whole_is_answered_with_408(
    connect: Callable[[bytes], Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer and the log name the limit. Bytes that come now and then do not put it off."""
    monkeypatch.setattr(connections, "HEADER_LIMIT_S", 0.3)
    raw, dripping = await connect(HALF_HEADER), await connect(HALF_HEADER)

    async def drip() -> None:
        while True:
            dripping.writer.write(b"x")
            await asyncio.sleep(0.02)

    drips = asyncio.create_task(drip())
    answer = await raw.until_closed()
    await dripping.until_closed()  # its last bytes may reset the connection, and the answer is lost
    drips.cancel()
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    late = f"the header was not complete after {HEADER_LIMIT_S:g} s, the limit HEADER_LIMIT_S"
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["detail"] == f"{late} (send the header faster)"
    assert warnings(caplog)[0] == f"a connection was closed: {late} (further cases are counted and logged every 60 s)"


async def test_a_second_header_has_a_limit_too(
    connect: Callable[[bytes], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts from its first byte, on a connection that has served a request before."""
    raw = await connect(HEALTHZ)
    assert await raw.answer() == (200, {"status": "ok"})
    monkeypatch.setattr(connections, "HEADER_LIMIT_S", 0.1)
    raw.writer.write(HALF_HEADER)
    assert (await raw.until_closed()).startswith(b"HTTP/1.1 408 ")


async def test_a_connection_on_which_nothing_comes_is_closed_in_silence(
    connect: Callable[[bytes], Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """From its beginning on, as browsers make them beforehand, and after a request."""
    idle = await connect(HEALTHZ)
    await idle.answer()
    monkeypatch.setattr(connections, "HEADER_LIMIT_S", 0.1)
    monkeypatch.setattr(connections, "IDLE_LIMIT_S", 0.1)
    silent = await connect(b"")
    assert [await silent.until_closed(), await idle.until_closed()] == [b"", b""]
    assert warnings(caplog) == []


async def test_a_body_that_does_not_come_whole_is_answered_with_408_and_dropped(
    collector: Collector, connect: Callable[[bytes], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a byte of it comes now and then. It is counted, and its bytes are given back."""
    monkeypatch.setattr(receiving, "BODY_LIMIT_S", 0.2)
    raw = await connect(HALF_BODY)
    status, problem = await raw.answer()
    assert (status, problem["detail"]) == (
        408,
        "the body was not complete after 0.2 s, the limit BODY_LIMIT_S (send smaller batches)",
    )
    assert receiving.Receiving.total == 0
    assert 'tenure_refused_total{reason="slow_body"} 1.0' in await collector.answer("/metrics")
    assert BODY_LIMIT_S == 30


async def test_clients_that_break_off_or_send_garbage_leave_no_traceback(
    collector: Collector, connect: Callable[[bytes], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """One line for the first that is no HTTP, none for the others; whoever comes afterwards is served."""
    for data in (HALF_BODY, HALF_HEADER, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET", b"\0" * 100):
        for _ in range(3):
            raw = await connect(data)
            raw.writer.close()
            await raw.writer.wait_closed()
    for line in (b"get / http\r\n\r\n", b"GET / HTTP/1.1\r\nX y\r\n\r\n", b"A" * 20_000 + b"\r\n\r\n", b"\0\r\n\r\n"):
        raw = await connect(line)
        assert (await raw.until_closed()).startswith(b"HTTP/1.0 400 ")
    chunked = HALF_BODY.replace(b"Content-Length: 1000", b"Transfer-Encoding: chunked").replace(b"half", b"zz\r\n")
    raw = await connect(chunked)
    assert b" 400 " in (await raw.until_closed())[:20]
    assert await collector.answer("/healthz") == {"status": "ok"}
    assert warnings(caplog) == [
        "a request that is not valid HTTP was answered with 400 (further cases are counted and logged every 60 s)"
    ]


async def test_one_connection_more_than_may_be_takes_the_place_of_one_that_sent_no_request(
    opened: list[Connections], collector: Collector, connect: Callable[[bytes], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """So half-sent headers, idle connections and half bodies shut nobody out, whatever the order in which they came."""
    (book,) = opened
    book.maximum = 12
    attackers = []
    for n in range(40):
        attackers.append(await connect(HALF_BODY if n % 2 else HALF_HEADER))
        raw = await connect(HEALTHZ)
        assert await raw.answer() == (200, {"status": "ok"})
        assert book.count <= 12
    assert await attackers[0].until_closed() == b""
    (line,) = warnings(caplog)
    assert line.startswith("a connection without a complete request was closed to make room for another")


async def test_where_all_are_being_answered_one_more_is_refused(
    opened: list[Connections], collector: Collector, connect: Callable[[bytes], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """With 503, Retry-After and the limit's name; live pages count, and are not closed for another."""
    (book,) = opened
    async with watching(collector) as client:
        await client.overview()
        book.maximum = 1
        raw = await connect(HEALTHZ)
        answer = await raw.until_closed()
        await client.subscribe()
        await client.receive()
        book.maximum = 10
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"\r\nRetry-After: 1\r\n" in answer
    detail = json.loads(answer.partition(b"\r\n\r\n")[2])["detail"]
    assert detail == (
        "all 1 connections are in use, the limit is MAX_CONNECTIONS or the number of open files (retry later)"
    )
    (line,) = warnings(caplog)
    assert line.startswith("a connection was refused: all connections are in use")


async def test_no_limit_hits_a_live_page(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is silent for as long as it likes: it has heartbeats."""
    for name in ("HEADER_LIMIT_S", "IDLE_LIMIT_S", "READER_LIMIT_S"):
        monkeypatch.setattr(connections, name, 0.01)
    looks: list[str] = []
    judge = Connection.check_limits
    monkeypatch.setattr(Connection, "check_limits", lambda *given: looks.append(given[0].stage) or judge(*given))
    async with watching(collector) as client:
        await client.subscribe()
        await client.receive()
        await until(lambda: looks.count("live") >= 3)
        program = Program()
        program.use("main", "Lock stock", acquire=0, wait=1)
        await collector.store.write(program.batch())
        await client.subscribe(limit=7)
        assert isinstance(await client.receive(), messages.Page)
        assert len(client.steps) > 0


async def test_live_pages_are_bounded(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is answered with 503 and the limit's name."""
    monkeypatch.setattr(connection, "MAX_LIVE", 1)
    async with watching(collector) as client:
        await client.overview()
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        status, problem = await collector.get("/api/live", **headers, **{"Sec-WebSocket-Key": "A" * 22 + "=="})
        assert (status, problem["detail"]) == (503, "1 live pages are open, the limit MAX_LIVE is 1 (close a page)")


async def test_a_client_that_does_not_read_its_answer_is_let_go(
    opened: list[Connections],
    collector: Collector,
    connect: Callable[[bytes], Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What waits for it is dropped, and the log names the limit."""
    monkeypatch.setattr(connections, "READER_LIMIT_S", 0.2)
    (book,) = opened
    program = Program()
    for n in range(5_000):
        program.use(f"task-{n}", f"Lock {n}", acquire=n, wait=0.1, hold=0.1, release=0.1)
    await collector.post(program.batch())
    await connect(b"GET /api/lifecycles?limit=10000 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 8)
    await until(lambda: caplog.records, 20)
    await until(lambda: all(each.stage == "idle" for each in book._open), 20)
    (line,) = warnings(caplog)
    assert line.startswith("a connection was closed: its client read less than 65536 bytes of the answer in")


async def test_all_bodies_together_are_bounded(
    collector: Collector, connect: Callable[[bytes], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would pass the bound is answered with 503, and the bytes of what ended are given back."""
    monkeypatch.setattr(receiving, "MAX_BODIES", 10)
    held = [await connect(HALF_BODY) for _ in range(2)]
    await until(lambda: receiving.Receiving.total >= 8)
    raw = await connect(HALF_BODY)
    status, problem = await raw.answer()
    assert (status, problem["detail"]) == (
        503,
        "the bodies being received have 12 bytes, the limit MAX_BODIES is 10 (retry later)",
    )
    for each in held:
        each.writer.transport.abort()
    await until(lambda: not receiving.Receiving.total)


async def test_complaints_of_one_kind_are_one_line_in_a_while(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first at once, the others together with their number."""
    monkeypatch.setattr(complaints, "COMPLAINT_S", 0.05)
    said = Complaints()
    for _ in range(1_000):
        said.count("this")
    said.count("that")
    await until(lambda: len(caplog.records) >= 3)
    assert warnings(caplog) == [
        "this (further cases are counted and logged every 0.05 s)",
        "that (further cases are counted and logged every 0.05 s)",
        "this: 999 more times",
    ]


async def test_without_descriptors_nothing_is_accepted_for_a_moment_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The acceptor of asyncio would log a hundred tracebacks each time, and ask itself to try again for each."""
    tries = 0

    def accept(listening: socket.socket) -> socket.socket:
        nonlocal tries
        tries += 1
        if tries <= 3:
            raise OSError(errno.EMFILE, "Too many open files")
        return listening.accept()[0]

    monkeypatch.setattr(listener, "ACCEPT_PAUSE_S", 0.02)
    monkeypatch.setattr(listener, "accept", accept)
    async with collecting() as other:
        assert await other.answer("/healthz") == {"status": "ok"}
    assert 4 <= tries <= 6
    assert warnings(caplog) == [
        "connections cannot be accepted: Too many open files (further cases are counted and logged every 60 s)",
        "connections cannot be accepted: Too many open files: 2 more times",
    ]


def test_fewer_connections_may_be_where_fewer_files_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some are kept for the store; sixteen clients there may always be."""

    async def most(files: int) -> int:
        monkeypatch.setattr(connections, "_max_open_files", lambda: files)
        return Connections(asyncio.Protocol, Complaints()).maximum

    assert asyncio.run(most(256)) == 256 - RESERVED_FILES
    assert asyncio.run(most(1 << 20)) == MAX_CONNECTIONS
    assert asyncio.run(most(10)) == 16
