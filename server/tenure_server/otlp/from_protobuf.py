"""Reads an ExportTraceServiceRequest from Protocol Buffers, one pass over the bytes.

A message is never built as a whole: what nobody asks for is stepped over, so that a request takes a small multiple of
its size, whatever is in it. As by the format, fields may come in any order, an unknown one is no error, and of one that
stands twice the later counts.
"""

# ruff: noqa: C901, PLR0912, PLR0915 -- one flat loop over a span's fields: calls would double its cost

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Hashable, Iterable

from tenure_server.export.protobuf import Malformed as NotProtobuf
from tenure_server.export.protobuf import fields
from tenure_server.limits import MAX_SPANS
from tenure_server.otlp import spans
from tenure_server.otlp.spans import Facts, Form, Group, Malformed, Span, TooMany, Value, id_of, parent_of, trace_of

_VARINT, _FIXED_64, _LENGTH, _FIXED_32 = 0, 1, 2, 5
# Fields of a span with their wire types, as they stand in front of it in one byte.
_TRACE, _ID, _PARENT, _NAME, _KIND, _START, _END = 0x0A, 0x12, 0x22, 0x2A, 0x30, 0x39, 0x41
_ATTRIBUTE, _EVENT, _STATUS = 0x4A, 0x5A, 0x7A
_FLAGS = 16 << 3 | 5
_KEY = 0x0A  # of a KeyValue

_OF_SPANS = {key.encode() for key in spans.OF_SPANS}
# How nearly every span begins: trace, id, parent or none, the length of a name of less than 128 bytes; after the name
# kind, start and end, each field behind its tag. What begins otherwise is read field by field.
_head = re.compile(rb"\x0a\x10(.{16})\x12\x08(.{8})(?:\x22\x08(.{8}))?\x2a([\x00-\x7f])", re.DOTALL).match
_TIMES = struct.Struct("<BBBQBQ")
_times = _TIMES.unpack_from
_fixed_64 = struct.Struct("<Q").unpack_from
_double = struct.Struct("<d").unpack


def read(data: bytes) -> list[Group]:
    """The spans, by resource and scope.

    Raises:
        Malformed: this is no such request.
        TooMany: it has more than MAX_SPANS spans.
    """
    groups: list[Group] = []
    room = MAX_SPANS
    try:
        for number, value in fields(data):
            if number == 1 and isinstance(value, bytes):
                for group in _resource_spans(value, room):
                    room -= len(group.spans)
                    groups.append(group)
    except (NotProtobuf, IndexError, struct.error) as error:
        raise Malformed(str(error) if isinstance(error, NotProtobuf) else "it ends within a field") from None
    except UnicodeDecodeError as error:
        raise Malformed(f"a text is no UTF-8: {error.reason}") from None
    return groups


def _resource_spans(data: bytes, room: int) -> list[Group]:
    resource: Facts = {}
    scoped: list[tuple[str, list[Span]]] = []
    for number, value in fields(data):
        if number == 1 and isinstance(value, bytes):
            resource = _facts((one for field, one in fields(value) if field == 1), spans.OF_RESOURCES)
        elif number == 2 and isinstance(value, bytes):
            scope, found = _scope_spans(value, room)
            if found:  # millions of empty ones take no memory
                scoped.append((scope, found))
                room -= len(found)
    return [Group(resource, scope, found, _form) for scope, found in scoped]


def _scope_spans(data: bytes, room: int) -> tuple[str, list[Span]]:
    scope = ""
    found: list[Span] = []
    at, end = 0, len(data)
    while at < end:
        tag, at = (data[at], at + 1) if data[at] < 0x80 else _varint(data, at)
        if tag & 7 != _LENGTH:
            at = _skip(data, at, tag)
            continue
        length, at = (data[at], at + 1) if data[at] < 0x80 else _varint(data, at)
        begin, at = at, at + length
        if at > end:
            raise Malformed("it ends within a field")
        if tag >> 3 == 2:
            if len(found) >= room:
                raise TooMany
            found.append(_span(data, begin, at))
        elif tag >> 3 == 1:
            scope = next((_text(value) for field, value in fields(data[begin:at]) if field == 1), "")
    if at != end:
        raise Malformed("it ends within a field")
    return scope, found


def _span(data: bytes, at: int, end: int) -> Span:
    trace = span = parent = status = b""
    start_ns = end_ns = 0
    shape: list[bytes] = []
    events: list[bytes] = []
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
            if 2 < length < 0x80 and data[at + 2] == _KEY and (size := data[at + 3]) < 0x80:
                key = at + 4
                at += 2 + length
                if data[key : key + size] in _OF_SPANS:
                    shape.append(data[field:at])
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
                raise Malformed("it ends within a field")
            if tag == _ATTRIBUTE:
                if _is_wanted(data[begin:at]):
                    shape.append(data[field:at])
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
        raise Malformed("it ends within a field")
    error = _error(status, events) if status else None
    return trace_of(trace), id_of(span), parent_of(parent), start_ns, end_ns, b"".join(shape), error


def _is_wanted(key_value: bytes) -> bool:
    return any(field == 1 and value in _OF_SPANS for field, value in fields(key_value))


def _form(shape: Hashable) -> Form:
    """Of a shape, which is a span without all that differs from span to span."""
    assert isinstance(shape, bytes)
    kind, name, raw = 0, "", []
    try:
        for field, value in fields(shape):
            if field == _NAME >> 3:
                name = _text(value)
            elif field == _KIND >> 3 and isinstance(value, int):
                kind = value
            else:
                raw.append(value)
        return Form(kind, name, _facts(raw, spans.OF_SPANS))
    except NotProtobuf as error:
        raise Malformed(str(error)) from None
    except UnicodeDecodeError as error:
        raise Malformed(f"a text is no UTF-8: {error.reason}") from None


def _error(status: bytes, events: list[bytes]) -> tuple[str, str] | None:
    code, message = 0, b""
    for field, value in fields(status):
        if field == 3 and isinstance(value, int):
            code = value
        elif field == 2 and isinstance(value, bytes):
            message = value
    if code != spans.STATUS_ERROR:
        return None
    for event in reversed(events):
        content = list(fields(event))
        if any(field == 2 and value == b"exception" for field, value in content):
            facts = _facts([value for field, value in content if field == 3], _OF_EXCEPTIONS)
            return str(facts.get(spans.EXCEPTION_TYPE, "")), str(facts.get(spans.EXCEPTION_MESSAGE, _text(message)))
    return "", _text(message)


_OF_EXCEPTIONS = frozenset({spans.EXCEPTION_TYPE, spans.EXCEPTION_MESSAGE})


def _facts(raw: Iterable[object], wanted: Collection[str]) -> Facts:
    """Those of some KeyValues that are wanted and hold a plain value."""
    facts: dict[str, Value] = {}
    for one in raw:
        if not isinstance(one, bytes):
            raise Malformed("an attribute is no message")
        key, value = "", None
        for field, content in fields(one):
            if field == 1:
                key = _text(content)
            elif field == 2 and isinstance(content, bytes):
                value = content
        if key in wanted and value is not None and (plain := _plain(value)) is not None:
            facts[key] = plain
    return facts


def _plain(data: bytes) -> Value | None:
    """An AnyValue, where it is a string, a bool or a number."""
    found: Value | None = None
    for field, value in fields(data):
        if field == 1 and isinstance(value, bytes):
            found = value.decode()
        elif field == 2 and isinstance(value, int):
            found = bool(value)
        elif field == 3 and isinstance(value, int):
            found = value - (1 << 64) if value >> 63 else value
        elif field == 4 and isinstance(value, bytes) and len(value) == 8:
            (found,) = _double(value)
        else:
            found = None
    return found


def _text(value: object) -> str:
    if not isinstance(value, bytes):
        raise Malformed("a text is a number")
    return value.decode()


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
    raise Malformed("an integer has no end")


def _skip(data: bytes, at: int, tag: int) -> int:
    """Behind a field that nobody asks for."""
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
            raise Malformed(f"a field of wire type {other}")
