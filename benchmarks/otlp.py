"""What it costs to make spans of lifecycles, against OpenTelemetry's own encoder on the same spans in the same run."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from benchmarks import Measure
from benchmarks.ingest import batches
from tenure import wire
from tenure_server.export.span_encoder import encode
from tenure_server.limits import EXPORT_SPANS
from tenure_server.store import ClosedLifecycles
from tenure_server.store.sqlite import SqliteStore

BATCHES, ROUNDS = 8, 7


def rows() -> list[Measure]:
    """Each figure is the middle of seven rounds over the same spans; encoding ends with bytes on both sides."""
    pages, reading = asyncio.run(_pages())
    count = sum(len(page.items) for page in pages)
    requests = [ExportTraceServiceRequest.FromString(encode(page)) for page in pages]
    spans = [list(_sdk_spans(request)) for request in requests]
    assert [encode_spans(some) for some in spans] == requests
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(_took(lambda: [encode(page) for page in pages]) / count)
        theirs.append(_took(lambda: [encode_spans(some).SerializeToString() for some in spans]) / count)
    mine, sdks = statistics.median(ours), statistics.median(theirs)
    return [
        Measure("a span encoded, against encode_spans", mine / sdks, "x encode_spans", "at most 0.1"),
        Measure("a span encoded", mine * 1e6, "µs", ""),
        Measure("the same by encode_spans", sdks * 1e6, "µs", ""),
        Measure("a lifecycle read from the store for it", reading / count * 1e6, "µs", ""),
    ]


def _took(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


async def _pages() -> tuple[list[ClosedLifecycles], float]:
    """The lifecycles of ``benchmarks.ingest`` as an exporter reads them, and the seconds that took."""
    store = SqliteStore(None)
    await store.follow(["benchmark"])
    for body in batches()[:BATCHES]:
        await store.write(wire.decode(body))
    pages = []
    began = time.perf_counter()
    while (page := await store.closed_lifecycles("benchmark", EXPORT_SPANS)).items:
        await store.acknowledge("benchmark", page.position, page.expired)
        pages.append(page)
    took = time.perf_counter() - began
    await store.close()
    return pages, took


def _sdk_spans(request: ExportTraceServiceRequest) -> Iterator[ReadableSpan]:
    for group in request.resource_spans:
        resource = Resource(_attributes(group.resource.attributes))
        for scoped in group.scope_spans:
            scope = InstrumentationScope(scoped.scope.name, scoped.scope.version)
            for span in scoped.spans:
                yield _sdk_span(span, resource, scope)


def _sdk_span(span: Span, resource: Resource, scope: InstrumentationScope) -> ReadableSpan:
    trace = int.from_bytes(span.trace_id, "big")
    return ReadableSpan(
        name=span.name,
        context=_context(trace, span.span_id),
        parent=_context(trace, span.parent_span_id) if span.parent_span_id else None,
        resource=resource,
        attributes=_attributes(span.attributes),
        events=[Event(one.name, _attributes(one.attributes), one.time_unix_nano) for one in span.events],
        links=[
            Link(_context(int.from_bytes(one.trace_id, "big"), one.span_id), _attributes(one.attributes))
            for one in span.links
        ],
        kind=SpanKind.SERVER if span.kind == Span.SPAN_KIND_SERVER else SpanKind.INTERNAL,
        instrumentation_scope=scope,
        status=Status(StatusCode(span.status.code), span.status.message or None),
        start_time=span.start_time_unix_nano,
        end_time=span.end_time_unix_nano,
    )


def _context(trace: int, span: bytes) -> SpanContext:
    return SpanContext(trace, int.from_bytes(span, "big"), is_remote=False)


def _attributes(pairs: list[KeyValue]) -> dict[str, AttributeValue]:
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in pairs}
