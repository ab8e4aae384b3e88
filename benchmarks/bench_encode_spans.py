"""What encoding a span costs, against OpenTelemetry's own encoder on the same spans in the same run."""

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

from benchmarks.figure import Figure
from benchmarks.lifecycle_batches import batches
from tenure import wire
from tenure_server.export.span_encoder import encode
from tenure_server.limits import EXPORT_SPANS
from tenure_server.store import ClosedLifecycles
from tenure_server.store.sqlite import SqliteStore

BATCHES, ROUNDS = 8, 7


def figures() -> list[Figure]:
    """Each figure is the middle of seven rounds over the same spans; encoding ends with bytes on both sides."""
    pages, reading = asyncio.run(_pages())
    count = sum(len(page.items) for page in pages)
    requests = [ExportTraceServiceRequest.FromString(encode(page)) for page in pages]
    spans = [list(_sdk_spans(request)) for request in requests]
    assert [encode_spans(batch) for batch in spans] == requests
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(_took(lambda: [encode(page) for page in pages]) / count)
        theirs.append(_took(lambda: [encode_spans(batch).SerializeToString() for batch in spans]) / count)
    mine, sdks = statistics.median(ours), statistics.median(theirs)
    return [
        Figure("a span encoded, against encode_spans", mine / sdks, "x encode_spans", "at most 0.1"),
        Figure("a span encoded", mine * 1e6, "µs", ""),
        Figure("the same by encode_spans", sdks * 1e6, "µs", ""),
        Figure("a lifecycle read from the store for it", reading / count * 1e6, "µs", ""),
    ]


def _took(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


async def _pages() -> tuple[list[ClosedLifecycles], float]:
    """The lifecycles of ``bench_ingest`` as an exporter reads them, and the seconds that took."""
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
        events=[Event(event.name, _attributes(event.attributes), event.time_unix_nano) for event in span.events],
        links=[
            Link(_context(int.from_bytes(link.trace_id, "big"), link.span_id), _attributes(link.attributes))
            for link in span.links
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
