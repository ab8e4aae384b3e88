"""Reads the spans of a ScopeSpans message: the reference of ``_scan``, used where that was not built."""

# ruff: noqa: C901, PLR0912, PLR0915 -- one flat loop over a span's fields: calls would double its cost

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping, Sequence

from tenure_server.ingest.otlp.spans import MalformedRequest, Span, TooMany, id_of, parent_of, trace_of
from tenure_server.limits import MAX_EVENTS
from tenure_server.opentelemetry.protobuf import tagged

_LENGTH = 2
# Tags of a span's fields: field number and wire type in one byte.
_TRACE, _ID, _PARENT, _NAME, _KIND, _START, _END = 0x0A, 0x12, 0x22, 0x2A, 0x30, 0x39, 0x41
_ATTRIBUTE, _EVENT, _STATUS = 0x4A, 0x5A, 0x7A
_FLAGS = 16 << 3 | 5
_KEY, _VALUE = 0x0A, 0x12  # of a KeyValue
_DOUBLE = 0x21  # of an AnyValue
_SHAPE = -1  # a key of a shape, not of a time

# Nearly every span begins so: trace, id, optional parent, the length of a name of less than 128 bytes; then the name,
# kind, start and end, each field behind its tag. Other spans are read field by field.
_head = re.compile(rb"\x0a\x10(.{16})\x12\x08(.{8})(?:\x22\x08(.{8}))?\x2a([\x00-\x7f])", re.DOTALL).match
_TIMES = struct.Struct("<BBBQBQ")
_times = _TIMES.unpack_from
_fixed_64 = struct.Struct("<Q").unpack_from
_double = struct.Struct("<d").unpack

_Known = Mapping[bytes, int]  # the keys that have a meaning -> index of a time, or _SHAPE
_ErrorOf = Callable[[bytes, list[bytes]], tuple[str, str] | None]


def prepare(of_shapes: Sequence[bytes], of_times: Sequence[bytes]) -> _Known:
    """The keys of attributes that have a meaning, as ``scan`` takes them: those of shapes, and of the three times."""
    return dict.fromkeys(of_shapes, _SHAPE) | {key: number for number, key in enumerate(of_times)}


def scan(data: bytes, room: int, wanted: _Known, error_of: _ErrorOf) -> tuple[bytes, list[Span]]:
    """The scope's bytes and the spans.

    ``wanted`` comes from ``prepare``; ``error_of(status, events)`` answers the error of a span with a status.

    Raises:
        MalformedRequest: the bytes are not a ScopeSpans.
        TooMany: it has more than ``room`` spans, or a span with a status more than MAX_EVENTS events.
    """
    try:
        return _scope_spans(data, room, wanted, error_of)
    except (IndexError, struct.error):
        raise MalformedRequest("it ends within a field") from None


def _scope_spans(data: bytes, room: int, known: _Known, error_of: _ErrorOf) -> tuple[bytes, list[Span]]:
    scope = b""
    spans: list[Span] = []
    at, end = 0, len(data)
    while at < end:
        tag, at = (data[at], at + 1) if data[at] < 0x80 else _varint(data, at)
        if tag & 7 != _LENGTH:
            at = _skip(data, at, tag)
            continue
        length, at = (data[at], at + 1) if data[at] < 0x80 else _varint(data, at)
        begin, at = at, at + length
        if at > end:
            raise MalformedRequest("it ends within a field")
        if tag >> 3 == 2:
            if len(spans) >= room:
                raise TooMany
            spans.append(_span(data, begin, at, known, error_of))
        elif tag >> 3 == 1:
            scope = data[begin:at]
    if at != end:
        raise MalformedRequest("it ends within a field")
    return scope, spans


def _span(data: bytes, at: int, end: int, known: _Known, error_of: _ErrorOf) -> Span:
    trace = span = parent = status = b""
    start_ns = end_ns = 0
    shape: list[bytes] = []
    events: list[bytes] = []
    times: dict[int, float] = {}
    if head := _head(data, at, end):
        trace, span, parent, named = head.groups(b"")
        named_at = head.end() - 2
        at = head.end() + named[0]
        behind_kind = at + 2
        if at + _TIMES.size <= end:
            kind_tag, kind, start_tag, start, end_tag, stop = _times(data, at)
            if (kind_tag, start_tag, end_tag) == (_KIND, _START, _END) and kind < 0x80:
                shape.append(data[named_at:behind_kind])
                start_ns, end_ns = start, stop
                at += _TIMES.size
        if not shape:
            shape.append(data[named_at:at])
    while at < end:
        field = at
        tag = data[at]
        if tag == _ATTRIBUTE:
            length = data[at + 1]
            if 2 < length < 0x80 and data[at + 2] == _KEY and (size := data[at + 3]) <= length - 2:
                key = at + 4
                at += 2 + length
                time = known.get(data[key : key + size])
                if time == _SHAPE:
                    shape.append(data[field:at])
                elif time is not None:
                    times |= _time(data[field + 2 : at], time)
                continue
        at += 1
        if tag > 0x7F:
            tag, at = _varint(data, at - 1)
            if tag == _FLAGS:
                at += 4
                continue
        if tag & 7 == _LENGTH:
            length = data[at]
            at += 1
            if length > 0x7F:
                length, at = _varint(data, at - 1)
            begin = at
            at += length
            if at > end:
                raise MalformedRequest("it ends within a field")
            if tag == _ATTRIBUTE:
                attribute = data[begin:at]
                time = _known_key(attribute, known)
                if time == _SHAPE:
                    shape.append(data[field:at])
                elif time is not None:
                    times |= _time(attribute, time)
            elif tag == _TRACE:
                trace = data[begin:at]
            elif tag == _ID:
                span = data[begin:at]
            elif tag == _PARENT:
                parent = data[begin:at]
            elif tag == _NAME:
                shape.append(data[field:at])
            elif tag == _STATUS:
                status = data[begin:at]
            elif tag == _EVENT:
                events.append(data[begin:at])
        elif tag == _START:
            (start_ns,) = _fixed_64(data, at)
            at += 8
        elif tag == _END:
            (end_ns,) = _fixed_64(data, at)
            at += 8
        elif tag == _KIND:
            _, at = _varint(data, at)
            shape.append(data[field:at])
        else:
            at = _skip(data, at, tag)
    if at != end:
        raise MalformedRequest("it ends within a field")
    if status and len(events) > MAX_EVENTS:
        raise TooMany(MAX_EVENTS, "events in one span")
    error = error_of(status, events) if status else None
    three_times = None
    if not all(time < 0 for time in times.values()):
        three_times = times.get(0, -1.0), times.get(1, -1.0), times.get(2, -1.0)
    return trace_of(trace), id_of(span), parent_of(parent), start_ns, end_ns, b"".join(shape), error, three_times


def _known_key(attribute: bytes, known: _Known) -> int | None:
    """The meaning of an attribute's key. Nearly always the first field is a short key, and the others are not read."""
    if 2 < len(attribute) < 0x80 and attribute[0] == _KEY and attribute[1] <= len(attribute) - 2:
        return known.get(attribute[2 : 2 + attribute[1]])
    meaning = None
    for tag, value in tagged(attribute):
        if tag == _KEY and isinstance(value, bytes):
            meaning = known.get(value, meaning)
    return meaning


def _time(attribute: bytes, time: int) -> dict[int, float]:
    """The value of an attribute for a time, by the time's index; empty if the value is not a double."""
    values: dict[int, float] = {}
    content = b""
    for tag, value in tagged(attribute):
        if tag == _VALUE and isinstance(value, bytes):
            content = value
    for tag, value in tagged(content):
        if tag == _DOUBLE and isinstance(value, bytes):
            (values[time],) = _double(value)
    return values


def _varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    at += 1
    if byte < 0x80:
        return byte, at
    number = byte & 0x7F
    for shift in range(7, 70, 7):
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, at
    raise MalformedRequest("an integer has no end")


def _skip(data: bytes, at: int, tag: int) -> int:
    """The position behind a field that is not read."""
    match tag & 7:
        case 0:
            return _varint(data, at)[1]
        case 1:
            return at + 8
        case 2:
            length, at = _varint(data, at)
            return at + length
        case 5:
            return at + 4
        case other:
            raise MalformedRequest(f"a field of wire type {other}")
