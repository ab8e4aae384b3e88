"""Batches reach the collector, or are kept, retried, given up and counted; the program notices nothing."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.waiting import until_blocking
from tests.tracer.support import programs
from tests.tracer.support.fake_collectors import Memory, batch, free_port, listening, serving

from tenure import wire
from tenure._core import buffer, faults
from tenure._sinks import collector_sink, http_client, wall_clock
from tenure._sinks import shipper as shipping
from tenure._sinks.collector_sink import CollectorSink
from tenure._sinks.http_client import Answer, ConnectionFailed, Endpoint
from tenure.errors import UsageError


@contextmanager
def sending(url: str) -> Iterator[CollectorSink]:
    sink = CollectorSink(url)
    try:
        yield sink
    finally:
        sink.pause()
        buffer.clear()


def test_batches_arrive_in_order_over_one_connection() -> None:
    """Every batch is posted once, whole, and the connection is kept."""
    with serving() as server, sending(server.url) as sink:
        for sequence in range(1, 6):
            sink.send(batch(sequence))
        until_blocking(lambda: len(server.received) == 5)
    assert server.received == [batch(sequence) for sequence in range(1, 6)]
    assert server.connections == 1
    assert server.headers[0]["Content-Type"] == wire.CONTENT_TYPE


def test_a_token_travels_as_bearer() -> None:
    """$TENURE_TOKEN becomes the Authorization field."""
    with serving() as server:
        sink = CollectorSink(server.url, "secret")
        sink.send(batch(1))
        until_blocking(lambda: server.received)
        sink.pause()
    assert server.headers[0]["Authorization"] == "Bearer secret"


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_busy_collector_gets_the_batch_again_when_it_says(
    status: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retry-After is kept; nothing is lost or sent twice."""
    monkeypatch.setattr("sys.__stderr__", None)
    with serving((status, {"Retry-After": "0.3"}, b""), (200, {}, b"{}")) as server, sending(server.url) as sink:
        sink.send(batch(1))
        sink.send(batch(2))
        until_blocking(lambda: len(server.received) == 2)
        assert server.accepted() == [1, 2]
        assert faults.dropped == {}
        assert server.times[1] - server.times[0] >= 0.3


@pytest.mark.parametrize(
    ("status", "answer", "line"),
    [
        (
            400,
            b'{"title": "Malformed batch", "detail": "Expected `int` - at `$.rows`"}',
            "refused a batch: 400 Expected `int` - at `$.rows` (its lifecycles are lost; please report this)",
        ),
        (401, b"{}", "refused a batch: 401 (set TENURE_TOKEN)"),
        (413, b"[]", "refused a batch: 413 (its lifecycles are lost; please report this)"),
        (404, b"<html>", "refused a batch: 404 (is this address a Tenure collector? see --collector)"),
    ],
)
def test_a_refused_batch_is_counted_said_once_and_never_sent_again(
    status: int, answer: bytes, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next batches are tried all the same, and the count of lost lifecycles travels with them."""
    said: list[str] = []
    monkeypatch.setattr(collector_sink, "say", said.append)
    with serving((status, {}, answer), (status, {}, answer), (200, {}, b"{}")) as server:
        with sending(server.url) as sink:
            for sequence in range(1, 4):
                sink.send(batch(sequence, rows=2))
                until_blocking(lambda: not sink._queue)
            until_blocking(lambda: server.received)
            assert server.accepted() == [3]
            assert server.received[0].dropped == {"refused by the collector": 4}
            assert [loss.lifecycles for loss in sink.lost()] == [0, 4, 0]
        assert said == [f"collector at {server.url} {line}"]


def test_a_collector_that_comes_back_gets_what_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Down at first, up later: all batches arrive in order, and the trouble was said once."""
    said: list[str] = []
    monkeypatch.setattr(collector_sink, "say", said.append)
    port = free_port()
    with sending(f"http://127.0.0.1:{port}") as sink:
        for sequence in range(1, 4):
            sink.send(batch(sequence))
        until_blocking(lambda: sink._failures >= 2)
        with serving(port=port) as server:
            until_blocking(lambda: len(server.received) == 3)
            assert server.accepted() == [1, 2, 3]
    assert len(said) == 1
    assert "does not answer (Connection refused)" in said[0]


def test_a_restarted_collector_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kept connection that the other side closed is opened anew without a word."""
    said: list[str] = []
    monkeypatch.setattr(collector_sink, "say", said.append)
    port = free_port()
    with sending(f"http://127.0.0.1:{port}") as sink:
        for sequence in (1, 2):
            with serving((200, {"Connection": "close"} if sequence == 1 else {}, b"{}"), port=port) as server:
                sink.send(batch(sequence))
                until_blocking(lambda server=server: server.received)
    assert said == []


def test_a_full_queue_gives_up_the_oldest_and_counts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded while nobody answers; what comes last is worth most."""
    monkeypatch.setattr(collector_sink, "say", lambda line: None)
    size = len(wire.encode(batch(1, rows=10)))
    monkeypatch.setattr(collector_sink, "MAX_QUEUED_BYTES", size * 3 + 100)
    port = free_port()
    with sending(f"http://127.0.0.1:{port}") as sink:
        for sequence in range(1, 6):
            sink.send(batch(sequence, rows=10))
        assert faults.dropped == {}  # it is this sink's own loss; a recording beside it has all
        assert [loss.lifecycles for loss in sink.lost()] == [20, 0, 30]
        with serving(port=port) as server:
            until_blocking(lambda: len(server.received) == 3)
            assert server.accepted() in ([3, 4, 5], [1, 4, 5])  # the first stays where it was tried before
            assert server.received[-1].dropped["collector unreachable"] in {10, 20}
            until_blocking(lambda: [loss.lifecycles for loss in sink.lost()] == [20, 0, 0])


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 two hundred\r\n\r\n", b"\0" * 100_000])
def test_garbage_is_no_answer(answer: bytes) -> None:
    """Whatever is not HTTP leads to another attempt, not to an exception."""
    with listening(answer) as url, pytest.raises(ConnectionFailed):
        Endpoint(url).post(b"data")


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (200, ""),
        (400, "refused a batch: 400 why (its lifecycles are lost; please report this)"),
        (401, "refused a batch: 401 why (set TENURE_TOKEN)"),
        (413, "refused a batch: 413 why (its lifecycles are lost; please report this)"),
        (
            429,
            "answers 429; the program continues, up to 32 MB of records are kept (the tracer retries)",
        ),
        (
            503,
            "answers 503; the program continues, up to 32 MB of records are kept (the tracer retries)",
        ),
    ],
)
def test_whatever_the_collector_answers_the_program_is_the_same(status: int, line: str, tmp_path: Path) -> None:
    """Output and exit code are the program's; one line on stderr for the trouble, and one for what is lost by it."""
    programs.write(
        tmp_path,
        app="""
        import asyncio, sys
        async def main():
            for number in range(3):
                async with asyncio.Lock(): print(number)
                await asyncio.sleep(0.15)  # so that the lifecycles travel in more than one batch
            sys.exit(6)
        asyncio.run(main())
        """,
    )
    with serving((status, {"Retry-After": "60"}, b'{"detail": "why"}')) as server:
        started = time.monotonic()
        done = programs.tenure(tmp_path, "run", "--collector", server.url, "app.py")
        took = time.monotonic() - started
        said = f"tenure: collector at {server.url} {line}\n" if line else ""
        if status in {400, 401, 413}:
            said += f"tenure: 3 lifecycles were lost: the collector at {server.url} refused them ({status} why)\n"
        elif status != 200:
            said += (
                f"tenure: 3 lifecycles were lost: the collector at {server.url} did not accept them before the program"
                " exited (is it overloaded?)\n"
            )
        assert done == (6, "0\n1\n2\n", said)
    assert took < 5


@pytest.mark.parametrize("mute", [True, False])
def test_the_programs_end_waits_two_seconds_at_most(mute: bool, tmp_path: Path) -> None:
    """A collector that accepts and never answers delays the exit by the last flush's time, one that is down by none."""
    programs.write(tmp_path, app="import sys; print('out'); sys.exit(5)")
    alone = time.monotonic()
    programs.tenure(tmp_path, "run", "-o", "x.json", "app.py")
    alone = time.monotonic() - alone
    with listening(None) as url:
        started = time.monotonic()
        done = programs.tenure(tmp_path, "run", "--collector", url if mute else programs.NOWHERE, "app.py")
        took = time.monotonic() - started
    assert (done.status, done.stdout) == (5, "out\n")
    assert took < alone + (3.5 if mute else 1.5)


def test_what_a_server_writes_is_said_on_one_line_and_cannot_steer_a_terminal() -> None:
    """Control characters of a garbled answer or of a problem's detail are left out."""
    with listening(b"HTTP/1.1 2\x1b[31m0 \0\r\n\r\n") as url, pytest.raises(ConnectionFailed) as caught:
        Endpoint(url).post(b"data")
    assert str(caught.value) == "HTTP/1.1 2 [31m0"
    with serving((400, {}, json.dumps({"detail": "\x1b]0;title\x07 no\u2028good"}).encode())) as server:
        endpoint = Endpoint(server.url)
        assert endpoint.post(b"") == Answer(400, "]0;title no good", None)
        endpoint.disconnect()


def test_an_answers_problem_and_retry_after_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The detail of a problem document on one line; seconds or a date."""
    monkeypatch.setattr(http_client, "time", lambda: 784_111_777.0)
    problem = json.dumps({"title": "Malformed", "detail": "two\nlines"}).encode()
    date = "Sun, 06 Nov 1994 08:49:47 GMT"
    answers = (
        (400, {"Retry-After": "7"}, problem),
        (503, {"Retry-After": date}, b""),
        (503, {"Retry-After": "soon"}, b'"x"'),
    )
    with serving(*answers) as server:
        endpoint = Endpoint(server.url)
        assert [endpoint.post(b"") for _ in answers] == [
            Answer(400, "two lines", 7.0),
            Answer(503, "", 10.0),
            Answer(503, "", None),
        ]
        endpoint.disconnect()


@pytest.mark.parametrize("url", ["", "localhost", "ftp://x", "http://", "http://x:99999", "http://[::1"])
def test_a_malformed_url_is_refused(url: str) -> None:
    """The error names the URL and shows a good one."""
    with pytest.raises(UsageError, match=r"invalid collector URL.*\(expected, for example, http://127.0.0.1:4320\)"):
        Endpoint(url)


class Full(Memory):
    def send(self, batch: wire.Batch) -> None:
        raise OSError("No space left on device")


def test_an_idle_process_shows_that_it_lives_and_says_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty heartbeats while nothing happens, numbered on; a final batch at the end."""
    monkeypatch.setattr(shipping, "HEARTBEAT_INTERVAL_S", 0.1)
    sink = Memory()
    shipper = shipping.Shipper("service", [sink])
    until_blocking(lambda: len(sink.batches) >= 3)
    shipper.close()
    assert sink.closed
    assert [received.sequence for received in sink.batches] == list(range(1, len(sink.batches) + 1))
    assert [received.final for received in sink.batches] == [False] * (len(sink.batches) - 1) + [True]
    assert {(received.process.service, len(received.rows)) for received in sink.batches} == {("service", 0)}


def test_a_sink_that_fails_is_left_out_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk ends the recording, not the shipping, and is said once; nothing is counted as lost for the others."""
    said: list[str] = []
    monkeypatch.setattr(shipping, "say", said.append)
    sink = Memory()
    shipper = shipping.Shipper("service", [Full(), sink])
    shipper.flush()
    shipper.close()
    assert faults.dropped == {}
    assert [received.final for received in sink.batches] == [False, True]
    assert said == ["full: No space left on device (the program continues, no more records are written there)"]


def test_the_clock_offset_is_kept_until_it_moves() -> None:
    """Wall time is read anew for each batch, and believed where it moved by more than 10 ms."""
    readings = iter([1_000_000_000, 1_009_000_000, 1_011_000_000, 1_000_500_000])
    clock = wall_clock.WallClockOffset(wall=lambda: next(readings), monotonic=lambda: 0)
    assert [clock.offset_ns() for _ in range(3)] == [1_000_000_000, 1_011_000_000, 1_000_500_000]
