"""A body that is no ExportTraceServiceRequest is refused with a Status that has the reason, and nothing is stored."""

from __future__ import annotations

import asyncio
import gzip
import json
import resource
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from tests.server.support.collector import Collector, collecting
from tests.server.support.hostile_requests import bomb
from tests.server.support.spans import CLIENT, JSON, PROTOBUF, encoded, group, plain_json, post, request, span
from tests.server.support.store_queries import everything
from tests.support.fuzzing import examples

from tenure_server.errors import StoreBusy
from tenure_server.opentelemetry.protobuf import fields
from tenure_server.settings import Settings

WHOLE = request(
    group(
        "shop",
        span(2, "SELECT", begin=2, end=3, parent=1, kind=CLIENT, db_system="mysql", error=("ValueError", "no")),
        span(1, "GET /orders", begin=1, end=5, thread_id=7, http_route="/orders"),
        service_instance_id="one",
    )
)
BINARY, TEXT = encoded(WHOLE), encoded(WHOLE, JSON)


def spoilt(*path: str | int, value: object) -> bytes:
    """The request as JSON with one value replaced."""
    whole = plain_json(WHOLE)
    place: Any = whole
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(whole).encode()


SPAN = ("resourceSpans", 0, "scopeSpans", 0, "spans", 0)

MALFORMED: list[tuple[str, str, bytes, str]] = [
    ("cut off", PROTOBUF, BINARY[:-3], "it ends within a field"),
    ("a group", PROTOBUF, b"\x0b", "a field of wire type 3"),
    ("an integer without end", PROTOBUF, b"\x0a" + b"\xff" * 11, "an integer has no end"),
    ("no UTF-8 in a name", PROTOBUF, BINARY.replace(b"SELECT", b"SEL\xff\xffT"), "a string is not UTF-8"),
    ("no UTF-8 in a value", PROTOBUF, BINARY.replace(b"mysql", b"my\xffql"), "a string is not UTF-8"),
    ("JSON by another name", PROTOBUF, TEXT, ""),
    ("protobuf by another name", JSON, BINARY, "JSON is malformed"),
    ("nothing", JSON, b"", "truncated"),
    ("a list", JSON, b"[]", "Expected `object`, got `array`"),
    ("a number for a name", JSON, spoilt(*SPAN, "name", value=5), "Expected `str | null`, got `int` - at `$.resource"),
    ("a name for a kind", JSON, spoilt(*SPAN, "kind", value="SPAN_KIND_SERVER"), "got `str`"),
    ("words for a time", JSON, spoilt(*SPAN, "startTimeUnixNano", value="now"), "'now' is not an integer"),
    ("a broken time", JSON, spoilt(*SPAN, "endTimeUnixNano", value="1e9"), "'1e9' is not an integer"),
    ("spans that are none", JSON, spoilt(*SPAN, value=[1]), "Expected `object`, got `array`"),
    ("nested for ever", JSON, b'{"resourceSpans":' + b"[" * 100_000, "Expected"),
]


def message_of(content_type: str, body: bytes) -> tuple[int, str]:
    """Code and message of a google.rpc.Status."""
    if content_type == JSON:
        status = json.loads(body)
        assert status.keys() == {"code", "message"}
        return status["code"], status["message"]
    found = dict(fields(body))
    message = found[2]
    assert isinstance(message, bytes)
    return int(str(found[1])), message.decode()


@pytest.mark.parametrize(
    ("content_type", "body", "detail"), [case[1:] for case in MALFORMED], ids=[case[0] for case in MALFORMED]
)
async def test_what_is_malformed_is_refused(collector: Collector, content_type: str, body: bytes, detail: str) -> None:
    """400 and INVALID_ARGUMENT, in the content type of the request; never to be sent again."""
    status, kind, answer = await post(collector, body, content_type)
    code, message = message_of(content_type, answer)
    assert (status, kind, code) == (400, content_type, 3)
    assert message.startswith("not an ExportTraceServiceRequest: ")
    assert detail in message
    assert (await everything(collector.store))[0] == []


REFUSED: list[tuple[str, int, int, str, Callable[[], tuple[bytes, str, dict[str, str]]]]] = [
    ("another type", 415, 3, "(send application/x-protobuf or", lambda: (BINARY, "text/plain", {})),
    (
        "another encoding",
        415,
        3,
        "unsupported Content-Encoding 'br'",
        lambda: (BINARY, PROTOBUF, {"Content_Encoding": "br"}),
    ),
    ("no gzip", 400, 3, "is not valid gzip", lambda: (BINARY, PROTOBUF, {"Content_Encoding": "gzip"})),
    ("gzip cut off", 400, 3, "cut off", lambda: (gzip.compress(BINARY)[:-9], PROTOBUF, {"Content_Encoding": "gzip"})),
    ("a gzip bomb", 413, 8, "16777216 bytes", lambda: (bomb(), PROTOBUF, {"Content_Encoding": "gzip"})),
    ("a large body", 413, 8, "16777216 bytes", lambda: (b"\0" * ((16 << 20) + 1), JSON, {})),
    ("100,000 spans", 413, 8, "more than 20000 spans (send smaller requests)", lambda: (many(100_000), PROTOBUF, {})),
    ("as many as JSON", 413, 8, "more than 20000 spans", lambda: (many_in_json(30_000), JSON, {})),
]


def many(count: int) -> bytes:
    """Spans of two bytes each; 100,000 real ones would be refused no later."""
    spans = b"\x12\x00" * count
    return _field(1, _field(2, spans))


def _field(number: int, content: bytes) -> bytes:
    length, size = len(content), bytearray()
    while length > 0x7F:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([number << 3 | 2, *size, length]) + content


def many_in_json(count: int) -> bytes:
    return b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b",".join([b"{}"] * count) + b"]}]}]}"


@pytest.mark.parametrize(
    ("status", "code", "detail", "make"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
async def test_what_cannot_be_taken_is_refused_with_its_reason(
    collector: Collector, status: int, code: int, detail: str, make: Callable[[], tuple[bytes, str, dict[str, str]]]
) -> None:
    """The status says whether to send it otherwise or not at all."""
    body, content_type, headers = make()
    got, kind, answer = await post(collector, body, content_type, **headers)
    expected = PROTOBUF if content_type == PROTOBUF else JSON
    found, message = message_of(expected, answer)
    assert (got, kind, found) == (status, expected, code)
    assert detail in message
    assert (await everything(collector.store))[0] == []


async def test_a_store_that_is_behind_asks_for_time(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After, by which every exporter sends the same request again."""

    async def busy(*_: object) -> None:
        raise StoreBusy("1000 batches with 100000 rows wait to be written (retry later)")

    monkeypatch.setattr(collector.store, "write_spans", busy)
    headers = {"Content-Type": PROTOBUF}
    async with collector.session.post(f"{collector.url}/v1/traces", data=BINARY, headers=headers) as answer:
        assert (answer.status, answer.headers["Retry-After"], answer.content_type) == (503, "1", PROTOBUF)
        assert message_of(PROTOBUF, await answer.read()) == (
            14,
            "1000 batches with 100000 rows wait to be written (retry later)",
        )


async def test_a_token_is_asked_for_in_the_sender_s_language() -> None:
    """401 as a Status, with what an exporter's configuration lacks."""
    async with collecting(Settings(port=0, token="secret")) as collector:
        status, kind, body = await post(collector, BINARY)
        assert (status, kind, message_of(PROTOBUF, body)[0]) == (401, PROTOBUF, 16)
        assert (await post(collector, BINARY, Authorization="Bearer secret"))[0] == 200


async def test_an_attribute_of_10_mb_is_cut(collector: Collector) -> None:
    """One that means something is cut to a thousand characters, another is stepped over; memory stays bounded."""
    long = "x" * 10_000_000
    for attributes in ({"peer_service": long}, {"note": long}):
        made = request(group("shop", span(len(attributes) + len(str(attributes)), "GET", begin=1, end=2, kind=CLIENT)))
        made.resource_spans[0].scope_spans[0].spans[0].attributes.add(
            key=next(iter(attributes)).replace("_", ".")
        ).value.string_value = long
        for content_type in (PROTOBUF, JSON):
            assert (await post(collector, encoded(made, content_type), content_type))[0] == 200
    names = {len(item["resource"]["name"]) for item in (await collector.answer("/api/lifecycles"))["items"]}
    assert names == {1_000, 3}


async def test_a_request_of_nothing_but_emptiness_takes_little_memory(collector: Collector) -> None:
    """Eight million empty messages in 16 MB: they are counted or stepped over, not built."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    empty = b"\x4a\x00" * ((16 << 20) // 2 - 100)  # attributes of one span
    status, _, body = await post(collector, _field(1, _field(2, _field(2, empty))))
    assert status == 200
    assert ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KB


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
async def test_an_empty_request_is_a_good_one(collector: Collector, content_type: str) -> None:
    """By the specification; it stores nothing."""
    answer = await post(collector, encoded(request(), content_type), content_type)
    assert answer == (200, content_type, b"" if content_type == PROTOBUF else b"{}")


@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([(PROTOBUF, BINARY), (JSON, TEXT)]),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(1, 255)), min_size=1, max_size=6),
)
def test_flipped_bytes_are_stored_or_refused_but_never_a_fault(
    form: tuple[str, bytes], flips: list[tuple[int, int]]
) -> None:
    """Any bytes of a good request changed: 200 or 400, and all that can be asked is still answered."""
    content_type, whole = form
    body = bytearray(whole)
    for place, change in flips:
        body[place % len(body)] ^= change

    async def send() -> None:
        async with collecting() as collector:
            status, kind, answer = await post(collector, bytes(body), content_type)
            assert (status, kind) in {(200, content_type), (400, content_type)}, answer
            for path in ("/api/processes", "/api/resources", "/api/lifecycles", "/api/traces", "/api/diagram"):
                await collector.answer(path)
            assert await collector.answer("/api/diagram?format=mermaid")

    asyncio.run(send())


@settings(max_examples=examples(300), deadline=None)
@given(st.data())
def test_what_protobuf_reads_we_read(data: st.DataObject) -> None:
    """Fields in any order, with unknown ones between: OpenTelemetry's own classes are the judge."""
    from tenure_server.ingest.otlp import from_protobuf  # noqa: PLC0415
    from tenure_server.ingest.otlp.spans import Form  # noqa: PLC0415

    sound = WHOLE.resource_spans[0].scope_spans[0].spans[0]
    raw = sound.SerializeToString()
    pieces = [*_pieces(raw), b"\x98\x06\x05", b"\xa2\x06\x03abc", b"\xad\x06abcd", b"\xb1\x06abcdefgh"]
    shuffled = data.draw(st.permutations(pieces))
    (group_of_ours,) = from_protobuf.read(_field(1, _field(2, _field(2, b"".join(shuffled)))))
    (ours,) = group_of_ours.spans
    assert (*ours[:5], group_of_ours.form(ours[5]), ours[6]) == (
        sound.trace_id,
        int.from_bytes(sound.span_id, "big", signed=True),
        int.from_bytes(sound.parent_span_id, "big", signed=True),
        sound.start_time_unix_nano,
        sound.end_time_unix_nano,
        Form(sound.kind, sound.name, {"db.system": "mysql"}),
        ("ValueError", "no"),
    )


def _pieces(raw: bytes) -> list[bytes]:
    """The fields of a message, each with its tag."""
    pieces, at = [], 0
    while at < len(raw):
        begin = at
        tag = raw[at]
        at += 1 if tag < 0x80 else 2
        match tag & 7:
            case 0:
                at += 1
            case 1:
                at += 8
            case 2:
                at += 1 + raw[at]
            case _:
                at += 4
        pieces.append(raw[begin:at])
    return pieces
