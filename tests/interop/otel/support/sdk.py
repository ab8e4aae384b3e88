"""A service with OpenTelemetry's SDK for Python, and its spans in Tenure's collector."""

from __future__ import annotations

import json
import urllib.request
from typing import Any, NamedTuple

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, StatusCode


class ReceivedSpan(NamedTuple):
    """A span in the collector's API: times in ns, ``parent`` by its name."""

    trace: str
    parent: str | None
    start_ns: int
    end_ns: int
    error: str | None


class _SpanRecorder(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def pay(exporter: SpanExporter, traceparent: str = "") -> dict[str, ReceivedSpan]:
    """Answer a payment, under the caller's span if there is one, and send the spans; what was sent, by name."""
    recorder = _SpanRecorder()
    provider = TracerProvider(resource=Resource.create({"service.name": "payment", "service.instance.id": "payment-1"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    provider.add_span_processor(recorder)
    tracer = provider.get_tracer("payment")
    context = None
    if traceparent:
        _, trace_id, span_id, _ = traceparent.split("-")
        caller = trace.SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=trace.TraceFlags(1))
        context = trace.set_span_in_context(trace.NonRecordingSpan(caller))
    with tracer.start_as_current_span("POST /charge", context, SpanKind.SERVER):
        attributes = {"db.system.name": "postgresql", "db.namespace": "payments"}
        with tracer.start_as_current_span("INSERT", kind=SpanKind.CLIENT, attributes=attributes):
            pass
        with tracer.start_as_current_span("notify", kind=SpanKind.PRODUCER) as notify:
            notify.record_exception(LookupError("no such topic: ☂"))
            notify.set_status(StatusCode.ERROR, "no such topic: ☂")
    provider.shutdown()
    names = {span.context.span_id: span.name for span in recorder.spans}
    return {
        span.name: ReceivedSpan(
            f"{span.context.trace_id:032x}",
            names.get(span.parent.span_id) if span.parent else None,
            span.start_time or 0,
            span.end_time or 0,
            "no such topic: ☂" if span.status.status_code is StatusCode.ERROR else None,
        )
        for span in recorder.spans
    }


def ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def received_spans(collector: str, trace_id: str) -> dict[str, ReceivedSpan]:
    """The payment service's spans in this trace, as the collector at the URL has them."""
    every = ask(f"{collector}/api/lifecycles?trace={trace_id}")["items"]
    names = {
        lifecycle["id"]: _NAMES.get(lifecycle["resource"]["name"], lifecycle["resource"]["name"]) for lifecycle in every
    }
    return {
        names[lifecycle["id"]]: ReceivedSpan(
            lifecycle["trace"],
            names.get(lifecycle["parent"]),
            lifecycle["acquire_ns"],
            lifecycle["released_ns"],
            lifecycle["exception"] and lifecycle["exception"]["message"],
        )
        for lifecycle in every
        if lifecycle["service"] == "payment"
    }


_NAMES = {"payments": "INSERT"}  # by their resource: a call of a database is one of the database
