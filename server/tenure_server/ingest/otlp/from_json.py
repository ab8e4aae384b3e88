"""Reads an ExportTraceServiceRequest from OTLP's JSON.

Ids are in hex, 64-bit integers are text or numbers, names are in lowerCamelCase. Null means that a field is left out;
unknown fields are ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

import msgspec

from tenure_server.ingest.otlp import spans
from tenure_server.ingest.otlp.spans import Form, Group, MalformedRequest, Span, TooMany, Value
from tenure_server.limits import MAX_JSON_OBJECTS, MAX_SPANS

_WANTED = spans.OF_SPANS | set(spans.TIMES)
_LONGEST_INTEGER = 20  # digits of 2**64, and a sign


class _AnyValue(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None


class _KeyValue(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    key: str | None = None
    value: _AnyValue | None = None


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    name: str | None = None
    attributes: list[_KeyValue] | None = None


class _JsonStatus(msgspec.Struct, frozen=True, rename="camel"):
    code: int | None = None
    message: str | None = None


class _JsonSpan(msgspec.Struct, frozen=True, rename="camel"):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    name: str | None = None
    kind: int | None = None
    start_time_unix_nano: int | str | None = None
    end_time_unix_nano: int | str | None = None
    attributes: list[_KeyValue] | None = None
    events: list[_Event] | None = None
    status: _JsonStatus | None = None


class _JsonScope(msgspec.Struct, frozen=True, rename="camel"):
    name: str | None = None


class _ScopeSpans(msgspec.Struct, frozen=True, rename="camel"):
    scope: _JsonScope | None = None
    spans: list[_JsonSpan] | None = None


class _Resource(msgspec.Struct, frozen=True, rename="camel"):
    attributes: list[_KeyValue] | None = None


class _ResourceSpans(msgspec.Struct, frozen=True, rename="camel"):
    resource: _Resource | None = None
    scope_spans: list[_ScopeSpans] | None = None


class _Request(msgspec.Struct, frozen=True, rename="camel"):
    resource_spans: list[_ResourceSpans] | None = None


_decoder = msgspec.json.Decoder(_Request)


def read(data: bytes) -> list[Group]:
    """The spans, by resource and scope.

    Raises:
        MalformedRequest: the data is not a request; the text says where: "Expected `str`, got `int` - at `$.a`".
        TooMany: it has more than MAX_SPANS spans, or MAX_JSON_OBJECTS objects.
    """
    if data.count(b"{") > MAX_JSON_OBJECTS:  # the decoder builds all of them
        raise TooMany(MAX_JSON_OBJECTS, "objects")
    try:
        request = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRequest(str(error) or type(error).__name__) from None
    groups: list[Group] = []
    room = MAX_SPANS
    for resource_spans in request.resource_spans or ():
        resource = _facts((resource_spans.resource and resource_spans.resource.attributes) or (), spans.OF_RESOURCES)
        for scoped in resource_spans.scope_spans or ():
            room -= len(scoped.spans or ())
            if room < 0:
                raise TooMany
            if not scoped.spans:
                continue
            scope = (scoped.scope and scoped.scope.name) or ""
            groups.append(Group(resource, scope, [_span(span) for span in scoped.spans or ()], _form))
    return groups


def _span(span: _JsonSpan) -> Span:
    facts = _facts(span.attributes or (), _WANTED)
    times = None
    if not facts.keys().isdisjoint(spans.TIMES):
        wait, hold, release = (
            value if isinstance(value := facts.pop(key, -1.0), float) else -1.0 for key in spans.TIMES
        )
        times = wait, hold, release
    return (
        spans.trace_of(_id(span.trace_id)),
        spans.id_of(_id(span.span_id)),
        spans.parent_of(_id(span.parent_span_id)),
        _integer(span.start_time_unix_nano, "startTimeUnixNano"),
        _integer(span.end_time_unix_nano, "endTimeUnixNano"),
        (span.kind or 0, span.name or "", tuple(facts.items())),
        _error(span),
        times,
    )


def _form(shape: Hashable) -> Form:
    assert isinstance(shape, tuple)
    kind, name, pairs = shape
    return Form(kind, name, dict(pairs))


def _error(span: _JsonSpan) -> tuple[str, str] | None:
    if span.status is None or span.status.code != spans.STATUS_ERROR:
        return None
    message = span.status.message or ""
    for event in reversed(span.events or ()):
        if event.name == spans.EXCEPTION:
            facts = _facts(event.attributes or (), {spans.EXCEPTION_TYPE, spans.EXCEPTION_MESSAGE})
            return str(facts.get(spans.EXCEPTION_TYPE, "")), str(facts.get(spans.EXCEPTION_MESSAGE, message))
    return "", message


def _id(text: str | None) -> bytes:
    """The bytes of an id; for text that is not hex one byte, which is an invalid id."""
    try:
        return bytes.fromhex(text or "")
    except ValueError:
        return b"\0"


def _integer(value: int | str | None, name: str) -> int:
    if isinstance(value, str):
        if not (0 < len(value) <= _LONGEST_INTEGER and value.isascii() and value.lstrip("-").isdigit()):
            raise MalformedRequest(f"{value[:40]!r} is not an integer - at `{name}` of a span")
        try:
            return int(value)
        except ValueError:
            raise MalformedRequest(f"{value[:40]!r} is not an integer - at `{name}` of a span") from None
    return value or 0


def _facts(pairs: Sequence[_KeyValue], wanted: Collection[str]) -> dict[str, Value]:
    facts: dict[str, Value] = {}
    for pair in pairs:
        if pair.key in wanted and pair.key is not None and pair.value is not None:
            value = _plain(pair.value)
            if value is not None:
                facts[pair.key] = value
    return facts


def _plain(value: _AnyValue) -> Value | None:
    if value.string_value is not None:
        return value.string_value
    if value.bool_value is not None:
        return value.bool_value
    if value.int_value is not None:
        return _integer(value.int_value, "intValue")
    return value.double_value
