"""Requests that were damaged on their way, and requests made to exhaust the collector."""

from __future__ import annotations

import asyncio
import gzip
import io
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from tests.server.support.batches import at
from tests.server.support.collector import collecting
from tests.server.support.hostile_requests import DAMAGES, WHOLE, bomb, damaged
from tests.server.support.spans import CLIENT, JSON, PROTOBUF, encoded, group, post, request, span
from tests.server.support.store_queries import everything


def fit(whole: ExportTraceServiceRequest) -> int:
    """How many spans there are that are fit to be stored, the same one counted once."""
    fit_spans = set()
    for number, sent in enumerate(whole.resource_spans):
        for scoped in sent.scope_spans:
            for each in scoped.spans:
                start, end = each.start_time_unix_nano, each.end_time_unix_nano
                is_fit = (
                    len(each.trace_id) == 16
                    and len(each.span_id) == 8
                    and len(each.parent_span_id) in {0, 8}
                    and any(each.trace_id)
                    and any(each.span_id)
                    and 0 < start <= end < start + (1 << 57)
                    and start < 1 << 62
                )
                if is_fit:
                    fit_spans.add((number, each.span_id, start))
    return len(fit_spans)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([PROTOBUF, JSON]), st.lists(DAMAGES, min_size=1, max_size=4))
def test_a_damaged_request_is_stored_as_far_as_it_is_sound_or_not_at_all(
    content_type: str, damages: list[tuple[str, int, int]]
) -> None:
    """Bits flipped, bytes lost, repeated or cut off: 400 and nothing of it, or 200 and each span that is not refused.

    OpenTelemetry's own classes tell which spans a damaged request in protobuf still has.
    """
    body = damaged(encoded(WHOLE, content_type), damages)

    async def send() -> None:
        async with collecting() as collector:
            status, kind, answer = await post(collector, body, content_type)
            assert (status, kind) in {(200, content_type), (400, content_type)}, answer
            stored = len((await collector.answer("/api/lifecycles"))["items"])
            if status == 400:
                assert (await everything(collector.store))[0] == []
            elif content_type == PROTOBUF:
                refused = ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans
                try:
                    theirs = ExportTraceServiceRequest.FromString(body)
                except DecodeError:  # in a part that is none of ours to read
                    return
                total = sum(len(scoped.spans) for sent in theirs.resource_spans for scoped in sent.scope_spans)
                assert stored <= total - refused
                assert stored == fit(theirs)

    asyncio.run(send())


def field(number: int, content: bytes) -> bytes:
    length, size = len(content), bytearray()
    while length > 0x7F:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([number << 3 | 2, *size, length]) + content


def long_attribute(content_type: str, key: str) -> bytes:
    made = request(group("shop", span(1, "GET", begin=1, end=2, kind=CLIENT)))
    made.resource_spans[0].scope_spans[0].spans[0].attributes.add(key=key).value.string_value = "x" * 10_000_000
    return encoded(made, content_type)


def in_json(each: bytes, before: bytes, after: bytes) -> bytes:
    """As many of them as 16 MiB have room for."""
    return before + b",".join([each] * ((16 << 20) // (len(each) + 1) - 100)) + after


_SPAN = b'{"resourceSpans":[{"scopeSpans":[{"spans":['
_EMPTY = (16 << 20) // 2 - 100
EXHAUSTING: list[tuple[str, str, int, bytes]] = [
    ("a long attribute that means something", PROTOBUF, 200, long_attribute(PROTOBUF, "peer.service")),
    ("a long attribute that means nothing", PROTOBUF, 200, long_attribute(PROTOBUF, "note")),
    ("a long attribute in JSON", JSON, 200, long_attribute(JSON, "peer.service")),
    ("empty attributes", PROTOBUF, 200, field(1, field(2, field(2, b"\x4a\0" * _EMPTY)))),
    ("empty events", PROTOBUF, 200, field(1, field(2, field(2, b"\x5a\0" * _EMPTY)))),
    ("empty scopes", PROTOBUF, 413, field(1, b"\x12\0" * _EMPTY)),
    ("empty resources", PROTOBUF, 413, b"\x0a\0" * _EMPTY),
    ("attributes of a resource", PROTOBUF, 413, field(1, field(1, b"\x0a\0" * _EMPTY))),
    ("empty spans", PROTOBUF, 413, field(1, field(2, b"\x12\0" * 100_000))),
    ("empty spans in JSON", JSON, 413, in_json(b"{}", _SPAN, b"]}]}]}")),
    ("empty scopes in JSON", JSON, 413, in_json(b"{}", b'{"resourceSpans":[{"scopeSpans":[', b"]}]}")),
    ("empty attributes in JSON", JSON, 413, in_json(b"{}", _SPAN + b'{"attributes":[', b"]}]}]}]}")),
    ("a list of lists", JSON, 400, b'{"resourceSpans":' + b"[" * ((16 << 20) - 100)),
]
MORE = 250_000  # KiB above what it had when it stood idle, at most


class Served:
    def __init__(self, pid: int, url: str) -> None:
        self.pid = pid
        self.url = url

    @property
    def peak(self) -> int:
        """The most memory that it ever had, KiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1])


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[Served]:
    """A collector in a process of its own, whose memory is nobody else's."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tenure", "serve", "--port", "0", "--store", f"sqlite:///{directory}/store.sqlite"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            line = (await process.stdout.readline()).decode()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found is not None, line
        yield Served(process.pid, found[0])
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="peaks of memory are read from /proc")
async def test_no_request_takes_more_than_a_bounded_memory(tmp_path: Path) -> None:
    """Whatever 16 MiB of a body are made of, and whatever a small one swells to; the answer is one that was meant."""
    requests = [(name, kind, status, body, {}) for name, kind, status, body in EXHAUSTING]
    requests.append(("a gzip bomb", PROTOBUF, 413, bomb(), {"Content-Encoding": "gzip"}))
    packed = gzip.compress(b"\0" * (1 << 20))
    requests.append(("gzip cut off", PROTOBUF, 400, packed[:-9], {"Content-Encoding": "gzip"}))
    async with serving(tmp_path) as served, aiohttp.ClientSession() as session:
        idle = served.peak
        grown: dict[str, int] = {}
        for name, kind, expected, body, headers in requests:
            async with session.post(
                f"{served.url}/v1/traces", data=io.BytesIO(body), headers={"Content-Type": kind} | headers
            ) as answer:
                assert (name, answer.status) == (name, expected), (await answer.text(errors="replace"))[:200]
            grown[name] = served.peak - idle
        async with session.get(f"{served.url}/api/lifecycles") as answer:
            (lifecycle,) = (await answer.json())["items"]
    assert lifecycle["acquire_ns"] == at(1)
    assert max(grown.values()) < MORE, grown
