"""Reads an ExportTraceServiceRequest from Protocol Buffers, one pass over the bytes.

A message is never built as a whole: what nobody asks for is stepped over, so that a request takes a small multiple of
its size, whatever is in it. As by the format, fields may come in any order, an unknown one is no error, and of one that
stands twice the later counts.
"""

from __future__ import annotations

import struct
from collections.abc import Hashable, Iterable
from functools import lru_cache

from tenure_server.export.protobuf import Malformed as NotProtobuf
from tenure_server.export.protobuf import fields
from tenure_server.limits import MAX_SPANS
from tenure_server.otlp import spans
from tenure_server.otlp.spans import Facts, Form, Group, Malformed, Span, Value

try:  # in C, where there was a compiler
    from tenure_server.otlp._scan import prepare, scan
except ImportError:  # what either prepares only its own scan understands
    from tenure_server.otlp.scanning import prepare, scan  # type: ignore[assignment]

_NAME, _KIND = 5, 6  # fields of a span
_SHORT = 256  # bytes of an attribute that is worth remembering
_WANTED = prepare(tuple(key.encode() for key in spans.OF_SPANS), tuple(key.encode() for key in spans.TIMES))
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
    except NotProtobuf as error:
        raise Malformed(str(error)) from None
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
            scope, found = scan(value, room, _WANTED, _error)
            if found:  # millions of empty ones take no memory, and little time
                name = next((_text(one) for field, one in fields(scope) if field == 1), "")
                scoped.append((name, found))
                room -= len(found)
    return [Group(resource, scope, found, _form) for scope, found in scoped]


def _form(shape: Hashable) -> Form:
    """Of a shape, which is a span without all that differs from span to span."""
    assert isinstance(shape, bytes)
    kind, name, raw = 0, "", []
    try:
        for field, value in fields(shape):
            if field == _NAME:
                name = _text(value)
            elif field == _KIND and isinstance(value, int):
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


def _facts(raw: Iterable[object], wanted: frozenset[str]) -> Facts:
    """Those of some KeyValues that are wanted and hold a plain value."""
    facts: dict[str, Value] = {}
    for one in raw:
        if not isinstance(one, bytes):
            raise Malformed("an attribute is no message")
        key, value = _known_fact(one, wanted) if len(one) <= _SHORT else _fact(one, wanted)
        if value is not None:
            facts[key] = value
    return facts


def _fact(key_value: bytes, wanted: frozenset[str]) -> tuple[str, Value | None]:
    key, value = "", None
    for field, content in fields(key_value):
        if field == 1:
            key = _text(content)
        elif field == 2 and isinstance(content, bytes):
            value = content
    return key, None if value is None or key not in wanted else _plain(value)


_known_fact = lru_cache(maxsize=4_096)(_fact)  # Tenure's own spans have the same few in ever new company


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
