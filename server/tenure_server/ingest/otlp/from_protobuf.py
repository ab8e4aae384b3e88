"""Reads an ExportTraceServiceRequest from Protocol Buffers, one pass over the bytes.

No message is built as a whole: fields that are not used are skipped, so a request needs a small multiple of its size in
memory. A field that is read here, and not by ``scan``, costs a microsecond. So these are counted and limited: 16 MiB of
empty messages would take nearly a minute. As Protocol Buffers specify, fields may have any order, an unknown field is
not an error, and of a field that occurs twice the later one counts.
"""

from __future__ import annotations

import struct
from collections.abc import Hashable, Iterable, Iterator
from functools import lru_cache

from tenure_server.ingest.otlp import spans
from tenure_server.ingest.otlp.scan_backend import prepare, scan
from tenure_server.ingest.otlp.spans import Facts, Form, Group, MalformedRequest, Span, TooMany, Value
from tenure_server.limits import MAX_FIELDS, MAX_SPANS
from tenure_server.opentelemetry.protobuf import Malformed as NotProtobuf
from tenure_server.opentelemetry.protobuf import tagged

_NAME, _KIND = 5, 6  # fields of a span
_SHORT = 256  # bytes; a shorter attribute is cached
_USUAL_FIELDS = 4  # of a short attribute: key, value and its content; they are not counted
_WANTED = prepare(tuple(key.encode() for key in spans.OF_SPANS), tuple(key.encode() for key in spans.TIMES))
_double = struct.Struct("<d").unpack


def read(data: bytes) -> list[Group]:
    """The spans, by resource and scope.

    Raises:
        MalformedRequest: the data is not a request.
        TooMany: it has more than MAX_SPANS spans, or MAX_FIELDS fields; ``form`` of a group raises both too.
    """
    return _Reader(MAX_FIELDS).groups(data)


class _Reader:
    """Reads one request. ``left`` is how many more fields it may have."""

    def __init__(self, left: int) -> None:
        self.left = left

    def groups(self, data: bytes) -> list[Group]:
        groups: list[Group] = []
        room = MAX_SPANS
        try:
            for number, value in self._fields(data):
                if number == 1 and isinstance(value, bytes):
                    for group in self._resource_spans(value, room):
                        room -= len(group.spans)
                        groups.append(group)
        except NotProtobuf as error:
            raise MalformedRequest(str(error)) from None
        except UnicodeDecodeError as error:
            raise MalformedRequest(f"a string is not UTF-8: {error.reason}") from None
        return groups

    def form(self, shape: Hashable) -> Form:
        """Decode a shape: a span without the fields that differ from span to span."""
        assert isinstance(shape, bytes)
        kind, name, raw = 0, "", []
        try:
            for field, value in self._fields(shape):
                if field == _NAME:
                    name = _text(value)
                elif field == _KIND and isinstance(value, int):
                    kind = value
                else:
                    raw.append(value)
            return Form(kind, name, self._facts(raw, spans.OF_SPANS))
        except NotProtobuf as error:
            raise MalformedRequest(str(error)) from None
        except UnicodeDecodeError as error:
            raise MalformedRequest(f"a string is not UTF-8: {error.reason}") from None

    def fact(self, key_value: bytes) -> tuple[str, Value | None]:
        """A KeyValue's key, and its value; None: it is no string, bool or number."""
        key, raw = "", None
        for field, content in self._fields(key_value):
            if field == 1:
                key = _text(content)
            elif field == 2 and isinstance(content, bytes):
                raw = content
        return key, None if raw is None or key not in _ANY_WANTED else self._plain(raw)

    def _fields(self, data: bytes) -> Iterator[tuple[int, int | bytes]]:
        for key, value in tagged(data):
            self._count(1)
            yield key >> 3, value

    def _count(self, fields: int) -> None:
        self.left -= fields
        if self.left < 0:
            raise TooMany(MAX_FIELDS, "fields")

    def _resource_spans(self, data: bytes, room: int) -> list[Group]:
        resource: Facts = {}
        scoped: list[tuple[str, list[Span]]] = []
        for number, value in self._fields(data):
            if number == 1 and isinstance(value, bytes):
                attributes = (content for field, content in self._fields(value) if field == 1)
                resource = self._facts(attributes, spans.OF_RESOURCES)
            elif number == 2 and isinstance(value, bytes):
                scope, scope_spans = scan(value, room, _WANTED, self._error)
                if scope_spans:
                    name = next((_text(content) for field, content in self._fields(scope) if field == 1), "")
                    scoped.append((name, scope_spans))
                    room -= len(scope_spans)
        return [Group(resource, scope, scope_spans, self.form) for scope, scope_spans in scoped]

    def _error(self, status: bytes, events: list[bytes]) -> tuple[str, str] | None:
        code, message = 0, b""
        for field, value in self._fields(status):
            if field == 3 and isinstance(value, int):
                code = value
            elif field == 2 and isinstance(value, bytes):
                message = value
        if code != spans.STATUS_ERROR:
            return None
        self._count(len(events))
        for event in reversed(events):
            content = list(self._fields(event))
            if any(field == 2 and value == b"exception" for field, value in content):
                facts = self._facts([value for field, value in content if field == 3], _OF_EXCEPTIONS)
                return str(facts.get(spans.EXCEPTION_TYPE, "")), str(facts.get(spans.EXCEPTION_MESSAGE, _text(message)))
        return "", _text(message)

    def _facts(self, raw: Iterable[object], wanted: frozenset[str]) -> Facts:
        """The wanted ones of some KeyValues, if their value is a string, a bool or a number."""
        facts: dict[str, Value] = {}
        for key_value in raw:
            if not isinstance(key_value, bytes):
                raise MalformedRequest("an attribute is not a message")
            if len(key_value) <= _SHORT:
                key, value, fields = _short_fact(key_value)
                self._count(max(0, fields - _USUAL_FIELDS))
            else:
                key, value = self.fact(key_value)
            if value is not None and key in wanted:
                facts[key] = value
        return facts

    def _plain(self, data: bytes) -> Value | None:
        """The value of an AnyValue; None: it is no string, bool or number."""
        plain: Value | None = None
        for field, value in self._fields(data):
            if field == 1 and isinstance(value, bytes):
                plain = value.decode()
            elif field == 2 and isinstance(value, int):
                plain = bool(value)
            elif field == 3 and isinstance(value, int):
                plain = value - (1 << 64) if value >> 63 else value
            elif field == 4 and isinstance(value, bytes) and len(value) == 8:
                (plain,) = _double(value)
            else:
                plain = None
        return plain


_OF_EXCEPTIONS = frozenset({spans.EXCEPTION_TYPE, spans.EXCEPTION_MESSAGE})
_ANY_WANTED = spans.OF_RESOURCES | spans.OF_SPANS | _OF_EXCEPTIONS


@lru_cache(maxsize=4_096)  # Tenure's own spans combine the same few attributes in new ways
def _short_fact(key_value: bytes) -> tuple[str, Value | None, int]:
    """As ``fact``, and how many fields were read."""
    reader = _Reader(2 * _SHORT)  # a short attribute cannot have more fields
    return *reader.fact(key_value), 2 * _SHORT - reader.left


def _text(value: object) -> str:
    if not isinstance(value, bytes):
        raise MalformedRequest("a string field holds a number")
    return value.decode()
