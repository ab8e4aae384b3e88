"""The two readers of spans, ``_scan`` in C and ``scan_pure`` in Python, read the same from any bytes."""

from __future__ import annotations

import struct
import subprocess
import sys
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans
from tests.server.support.hostile_requests import DAMAGES, WHOLE, damaged
from tests.support.fuzzing import examples

from tenure_server import limits
from tenure_server.ingest.otlp import _scan, from_protobuf, scan_pure, spans
from tenure_server.ingest.otlp.spans import MalformedRequest, TooMany
from tenure_server.limits import MAX_EVENTS
from tenure_server.opentelemetry import protobuf

WANTED, TIMES = (tuple(key.encode() for key in keys) for keys in (spans.OF_SPANS, spans.TIMES))
READERS = pytest.mark.parametrize("reader", [_scan, scan_pure])
_LENGTHS = st.integers(0, 300)


def told(reader: ModuleType, data: bytes, room: int = 100) -> object:
    """What a reader answers, as text, for a time may be NaN; or which exception it raises."""
    try:
        return repr(
            reader.scan(data, room, reader.prepare(WANTED, TIMES), lambda status, events: (status, tuple(events)))
        )
    except (MalformedRequest, protobuf.Malformed):
        return MalformedRequest
    except TooMany:
        return TooMany


def varint(number: int, padding: int) -> bytes:
    """Also as nobody writes it: with bytes that add nothing."""
    encoded = protobuf.varint(number)
    if not padding:
        return encoded
    return encoded[:-1] + bytes([encoded[-1] | 0x80]) + b"\x80" * (padding - 1) + b"\0"


@st.composite
def numbers(draw: st.DrawFn) -> bytes:
    return varint(draw(st.integers(0, (1 << 64) - 1)), draw(st.sampled_from([0, 0, 0, 1, 2])))


def messages(field: int, content: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.builds(
        lambda inner, padding: protobuf.tag(field, protobuf.LENGTH) + varint(len(inner), padding) + inner,
        content,
        st.sampled_from([0, 0, 0, 1]),
    )


def some(content: st.SearchStrategy[bytes], most: int) -> st.SearchStrategy[bytes]:
    return st.lists(content, max_size=most).map(b"".join)


KEYS = st.one_of(
    st.sampled_from(WANTED + TIMES * 5), st.binary(max_size=20), st.sampled_from(WANTED).map(lambda key: key + b"x")
)
UNKNOWN = st.one_of(
    numbers().map(lambda number: protobuf.tag(99, protobuf.VARINT) + number),
    st.binary(min_size=8, max_size=8).map(lambda content: protobuf.tag(20, protobuf.FIXED_64) + content),
    st.binary(min_size=4, max_size=4).map(lambda content: protobuf.tag(16, protobuf.FIXED_32) + content),
    messages(3, st.binary()),
)
EIGHT = st.binary(min_size=8, max_size=8)
DOUBLES = st.one_of(EIGHT, st.floats().map(struct.Struct("<d").pack)).map(
    lambda content: protobuf.tag(4, protobuf.FIXED_64) + content
)
VALUES = st.one_of(some(st.one_of(DOUBLES, UNKNOWN), 3), _LENGTHS.map(bytes))
ATTRIBUTES = some(st.one_of(messages(1, KEYS), messages(2, VALUES), messages(7, st.binary()), UNKNOWN), 3)
SOUND_ATTRIBUTES = st.tuples(messages(1, KEYS), messages(2, VALUES)).map(b"".join)
FIELDS = st.one_of(
    messages(1, st.one_of(st.binary(min_size=16, max_size=16), st.just(bytes(16)), st.binary())),
    messages(2, st.one_of(st.binary(min_size=8, max_size=8), st.just(bytes(8)), st.binary())),
    messages(4, st.one_of(st.binary(min_size=8, max_size=8), st.binary())),
    messages(5, _LENGTHS.map(lambda length: b"n" * length)),
    numbers().map(lambda number: protobuf.tag(6, protobuf.VARINT) + number),
    st.binary(min_size=8, max_size=8).map(lambda content: protobuf.tag(7, protobuf.FIXED_64) + content),
    st.binary(min_size=8, max_size=8).map(lambda content: protobuf.tag(8, protobuf.FIXED_64) + content),
    messages(9, ATTRIBUTES),
    messages(9, SOUND_ATTRIBUTES),
    messages(11, st.binary(max_size=200)),
    messages(15, st.binary(max_size=5)),
    UNKNOWN,
)
SCOPES = some(st.one_of(messages(1, st.binary()), messages(2, some(FIELDS, 12)), UNKNOWN), 6)
SOUND = [scoped.SerializeToString() for sent in WHOLE.resource_spans for scoped in sent.scope_spans]


@settings(max_examples=examples(600), deadline=None)
@given(SCOPES, st.integers(0, 7), st.lists(DAMAGES, max_size=2))
def test_both_readers_tell_the_same(data: bytes, room: int, damages: list[tuple[str, int, int]]) -> None:
    """Fields in any order and number, known or not, sound or damaged, spelt in as many bytes as may be."""
    data = damaged(data, damages)
    assert told(_scan, data, room) == told(scan_pure, data, room)


@settings(max_examples=examples(300), deadline=None)
@given(st.sampled_from(SOUND), st.lists(DAMAGES, min_size=1, max_size=3))
def test_both_readers_tell_the_same_of_what_sdks_send(data: bytes, damages: list[tuple[str, int, int]]) -> None:
    """The way in which nearly every span begins is read at once in Python."""
    data = damaged(data, damages)
    assert told(_scan, data) == told(scan_pure, data)


@READERS
def test_a_span_is_told_whole(reader: ModuleType) -> None:
    """Ids, times, a shape of what is wanted alone, the status with its events, and the own times."""
    made = ScopeSpans()
    made.scope.name = "library"
    span = made.spans.add(trace_id=b"t" * 16, span_id=b"\xff" * 8, parent_span_id=b"\0" * 7 + b"\2", name="GET", kind=3)
    span.start_time_unix_nano, span.end_time_unix_nano = 5, (1 << 64) - 1
    span.attributes.add(key="http.method").value.string_value = "GET"
    span.attributes.add(key="user.agent").value.string_value = "curl"
    span.attributes.add(key="tenure.hold_time").value.double_value = 0.5
    span.attributes.add(key="tenure.wait_time").value.int_value = 1
    span.events.add(name="exception")
    span.status.code = 2
    shape = b"\x2a\x03GET\x30\x03" + protobuf.message(9, span.attributes[0].SerializeToString())
    error = span.status.SerializeToString(), (span.events[0].SerializeToString(),)
    assert told(reader, made.SerializeToString()) == repr(
        (
            made.scope.SerializeToString(),
            [(b"t" * 16, -1, 2, 5, (1 << 64) - 1, shape, error, (-1.0, 0.5, -1.0))],
        )
    )


@READERS
def test_what_the_teller_of_errors_raises_is_raised(reader: ModuleType) -> None:
    """It reads a status that may be damaged."""
    made = ScopeSpans()
    made.spans.add(trace_id=b"t" * 16, span_id=b"s" * 8).status.message = "no"

    def error_of(status: bytes, events: list[bytes]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reader.scan(made.SerializeToString(), 1, reader.prepare(WANTED, TIMES), error_of)


@READERS
def test_the_exception_of_a_failed_span_is_looked_for_among_so_many_events(reader: ModuleType) -> None:
    """More are refused with the limit; those of a span without a status are not looked at."""
    status, event = protobuf.message(15, b"\x18\x02"), protobuf.message(11, b"")
    for content, answer in [
        (event * MAX_EVENTS + status, None),
        (event * (MAX_EVENTS + 1), None),
        (event * (MAX_EVENTS + 1) + status, f"more than {MAX_EVENTS} events in one span"),
        (status + event * (MAX_EVENTS + 1) + b"\x0a", "ends within a field"),
    ]:
        data = protobuf.message(2, content)
        try:
            reader.scan(data, 1, reader.prepare(WANTED, TIMES), lambda *_: None)
            said = None
        except (MalformedRequest, TooMany) as error:
            said = str(error)
        assert said is answer is None or answer in str(said)


FIELDS = 20_000  # the bound in these tests: a million fields take a second each
MANY = FIELDS // 2 + 1
EMPTY = {
    "resources": b"\x0a\0" * (2 * MANY),
    "unknown fields": b"\x10\0" * (2 * MANY),
    "scopes": protobuf.message(1, b"\x12\0" * (2 * MANY)),
    "attributes": protobuf.message(1, protobuf.message(1, b"\x0a\0" * (2 * MANY))),
    "fields of an attribute": protobuf.message(1, protobuf.message(1, protobuf.message(1, b"\x18\0" * (2 * MANY)))),
    "fields of short attributes": protobuf.message(
        1, protobuf.message(1, protobuf.message(1, b"\x18\0" * 100) * (MANY // 40))
    ),
    "a status": protobuf.message(
        1, protobuf.message(2, protobuf.message(2, protobuf.message(15, b"\x20\0" * (2 * MANY))))
    ),
}


@pytest.mark.parametrize("data", EMPTY.values(), ids=EMPTY)
def test_a_request_of_nothing_but_small_fields_is_refused(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would take a microsecond, and 16 MiB have eight million."""
    monkeypatch.setattr(from_protobuf, "MAX_FIELDS", FIELDS)
    with pytest.raises(TooMany, match=f"more than {FIELDS} fields"):
        from_protobuf.read(data)


def test_a_request_has_no_more_than_a_million_fields() -> None:
    """The bound that collectors have."""
    with pytest.raises(TooMany, match="more than 1000000 fields"):
        from_protobuf.read(b"\x10\0" * (limits.MAX_FIELDS + 1))


def test_a_shape_of_nothing_but_small_fields_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its fields count with the request's, though it is read later."""
    monkeypatch.setattr(from_protobuf, "MAX_FIELDS", FIELDS)
    span = protobuf.message(2, b"\x0a\x10" + b"t" * 16 + b"\x12\x08" + b"s" * 8 + b"\x30\0" * (2 * MANY))
    (group,) = from_protobuf.read(protobuf.message(1, protobuf.message(2, span)))
    with pytest.raises(TooMany, match="fields"):
        group.form(group.spans[0][5])


def test_keys_that_cannot_be_wanted_are_refused() -> None:
    """The attributes are chosen here, not by who sends them."""
    for keys in ((b"k" * 65,), ("text",)):
        with pytest.raises((ValueError, TypeError)):
            _scan.prepare(keys, TIMES)  # type: ignore[arg-type]
    with pytest.raises(IndexError):
        _scan.prepare(WANTED, TIMES[:2])


def test_without_a_compiler_spans_are_read_in_python() -> None:
    """Nothing but the speed changes."""
    program = (
        "import sys; sys.modules['tenure_server.ingest.otlp._scan'] = None\n"
        "from tenure_server.ingest.otlp import from_protobuf, scan_pure\n"
        "assert from_protobuf.scan is scan_pure.scan\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
