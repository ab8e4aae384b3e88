"""Spans for tests, as OpenTelemetry's own message classes, encoded as protobuf and as JSON."""

from __future__ import annotations

import io
import json
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status
from tests.server.support.batches import at
from tests.server.support.collector import Collector

PROTOBUF, JSON = "application/x-protobuf", "application/json"
TRACE = bytes(range(1, 17))

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = (
    Span.SPAN_KIND_INTERNAL,
    Span.SPAN_KIND_SERVER,
    Span.SPAN_KIND_CLIENT,
    Span.SPAN_KIND_PRODUCER,
    Span.SPAN_KIND_CONSUMER,
)
Plain = str | int | bool | float


def span_id(n: int) -> bytes:
    return n.to_bytes(8, "big")


def key_values(values: dict[str, Plain]) -> list[KeyValue]:
    pairs = []
    for key, value in values.items():
        pair = KeyValue(key=key)
        match value:
            case bool():
                pair.value.bool_value = value
            case int():
                pair.value.int_value = value
            case float():
                pair.value.double_value = value
            case _:
                pair.value.string_value = value
        pairs.append(pair)
    return pairs


def span(
    n: int,
    name: str,
    *,
    begin: float,
    end: float,
    kind: Any = INTERNAL,
    parent: int | bytes = b"",
    trace: bytes = TRACE,
    error: tuple[str, str] | None = None,
    **attributes: Plain,
) -> Span:
    """``begin`` and ``end`` are milliseconds as in ``batches``; in the names of attributes _ stands for a dot."""
    message = Span(
        trace_id=trace,
        span_id=span_id(n),
        parent_span_id=parent if isinstance(parent, bytes) else span_id(parent),
        name=name,
        kind=kind,
        start_time_unix_nano=at(begin),
        end_time_unix_nano=at(end),
        attributes=key_values({key.replace("_", "."): value for key, value in attributes.items()}),
        status=Status(),
        flags=0x100,
    )
    if error is not None:
        message.status.code = Status.STATUS_CODE_ERROR
        event = message.events.add(name="exception", time_unix_nano=at(end))
        event.attributes.extend(key_values({"exception.type": error[0], "exception.message": error[1]}))
    return message


def group(service: str, *spans: Span, scope: str = "tests", **attributes: Plain) -> ResourceSpans:
    message = ResourceSpans()
    named = {key.replace("_", "."): value for key, value in attributes.items()}
    message.resource.attributes.extend(key_values({"service.name": service} | named))
    scoped = message.scope_spans.add()
    scoped.scope.name = scope
    scoped.spans.extend(spans)
    return message


def request(*groups: ResourceSpans) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest(resource_spans=groups)


def plain_json(message: ExportTraceServiceRequest) -> Any:
    """By OTLP's mapping: source of Protocol Buffers, but for ids in hex and enums as numbers."""
    plain = MessageToDict(message, use_integers_for_enums=True)
    for ours, theirs in zip(plain.get("resourceSpans", []), message.resource_spans, strict=True):
        for scoped, source_scope in zip(ours.get("scopeSpans", []), theirs.scope_spans, strict=True):
            for rendered, source in zip(scoped.get("spans", []), source_scope.spans, strict=True):
                rendered.update(
                    traceId=source.trace_id.hex(), spanId=source.span_id.hex(), parentSpanId=source.parent_span_id.hex()
                )
    return plain


def encoded(message: ExportTraceServiceRequest, content_type: str = PROTOBUF) -> bytes:
    return message.SerializeToString() if content_type == PROTOBUF else json.dumps(plain_json(message)).encode()


async def post(
    collector: Collector, body: bytes, content_type: str = PROTOBUF, **headers: str
) -> tuple[int, str, bytes]:
    """Status, content type and body of the answer; header names with _ for -."""
    named = {"Content-Type": content_type} | {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{collector.url}/v1/traces"
    async with collector.session.post(url, data=io.BytesIO(body), headers=named) as answer:
        return answer.status, answer.content_type, await answer.read()


async def give(collector: Collector, *groups: ResourceSpans, content_type: str = PROTOBUF) -> None:
    """Send spans, all of which must be taken."""
    answer = await post(collector, encoded(request(*groups), content_type), content_type)
    assert answer == (200, content_type, b"" if content_type == PROTOBUF else b"{}")
