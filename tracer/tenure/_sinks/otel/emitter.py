"""Turns batches into spans through OpenTelemetry's API: a span begins when its lifecycle first comes in a batch."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from typing import NamedTuple

from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from tenure import semconv, wire
from tenure._identify import tracer
from tenure._sinks.otel import span_mapping
from tenure._sinks.otel.span_links import WaitHistory
from tenure._sinks.otel.span_mapping import NO_RARE_FACTS, EndedLifecycle, Failures, RareFacts, Stamps

MAX_CONTEXTS = 20_000  # of spans that may still get children or links


class LifecycleIds(IdGenerator):
    """Gives a span the ids of its lifecycle; the emitter sets them before it starts the span."""

    def __init__(self) -> None:
        self.trace = self.span = 0

    def generate_trace_id(self) -> int:
        return self.trace

    def generate_span_id(self) -> int:
        return self.span


class _OpenSpan(NamedTuple):
    span: Span
    row: wire.Row
    acquire_ns: int
    resource: wire.Resource
    rare: RareFacts


class Emitter:
    """Begins and ends the spans of one process. With ``ids`` they have Tenure's ids, else the provider's."""

    def __init__(self, tracer: Tracer, ids: LifecycleIds | None = None) -> None:
        self._tracer = tracer
        self._ids = ids
        self._open: dict[int, _OpenSpan] = {}
        self._waits = WaitHistory()
        self._with_internal = os.environ.get(semconv.INTERNAL_VARIABLE) == "1"
        self._contexts: OrderedDict[int, SpanContext] = OrderedDict()  # by lifecycle, also of spans that ended

    def take(self, batch: wire.Batch) -> None:
        """Begin the spans of new lifecycles and end those of closed ones; at the process's last batch, end all."""
        acquire_ns = batch.base_ns + batch.clock_offset_ns
        rare_facts = RareFacts.by_row(batch)
        propagated = frozenset(batch.propagated)
        for i, row in enumerate(batch.rows):
            acquire_ns += row.acquire_ns
            internal = batch.sites[row.site].internal
            if internal and not self._with_internal:
                continue
            rare = rare_facts.get(i, NO_RARE_FACTS)
            open_span = self._open.get(row.id)
            start_ns = (
                open_span.acquire_ns if open_span else acquire_ns
            )  # the clock's offset may have changed meanwhile
            span = open_span.span if open_span else self._begin(batch, row, acquire_ns)
            stamps, resource = Stamps.of(row, start_ns), batch.resources[row.resource]
            if open_span and open_span.resource != resource:
                self._rename(span, batch, row)
            if resource.capacity is not None:
                self._waits.update(resource.id, row.id, stamps)
            if row.release_ns == wire.NOT_REACHED:
                self._open[row.id] = _OpenSpan(span, row, start_ns, resource, rare)
            else:
                self._open.pop(row.id, None)
                self._link_holder(span, resource, stamps)
                failures = Failures.of(row, batch)
                ended = EndedLifecycle.of(row, stamps, failures, "closed", rare)
                self._end(span, stamps, ended._replace(internal=internal, propagated=i in propagated))
        if batch.final:
            self._abandon()

    def _begin(self, batch: wire.Batch, row: wire.Row, acquire_ns: int) -> Span:
        process, trace = batch.process.id, batch.traces[row.trace]
        resource, site, task = batch.resources[row.resource], batch.sites[row.site], batch.tasks[row.task]
        if self._ids:
            trace_id = trace.otel_trace_id.hex() if trace.otel_trace_id else wire.trace_id(process, trace.root)
            self._ids.trace, self._ids.span = int(trace_id, 16), int(wire.span_id(process, row.id), 16)
        held_around = self._contexts.get(trace.link) if not row.parent else None
        span = self._tracer.start_span(
            semconv.span_name(resource, site),
            context=self._parent(row, trace),
            kind=span_mapping.span_kind(site),
            attributes=span_mapping.attributes_at_start(process, resource, site, task),
            links=[Link(held_around, {semconv.LINK: semconv.HELD_AROUND})] if held_around else [],
            start_time=acquire_ns,
        )
        self._contexts[row.id] = span.get_span_context()
        if len(self._contexts) > MAX_CONTEXTS:
            self._contexts.popitem(last=False)
        return span

    def _rename(self, span: Span, batch: wire.Batch, row: wire.Row) -> None:
        """Give the span of a request the name of the route that was found after it began."""
        resource, site, task = batch.resources[row.resource], batch.sites[row.site], batch.tasks[row.task]
        span.update_name(semconv.span_name(resource, site))
        span.set_attributes(span_mapping.attributes_at_start(batch.process.id, resource, site, task))

    def _parent(self, row: wire.Row, trace: wire.Trace) -> Context:
        context = self._contexts.get(row.parent) if row.parent else _program_context(trace)
        return set_span_in_context(NonRecordingSpan(context), Context()) if context else Context()

    def _link_holder(self, span: Span, resource: wire.Resource, stamps: Stamps) -> None:
        """Link the span to the lifecycle that it waited for."""
        if resource.capacity is None:
            return
        holder = self._waits.waited_for(resource.id, resource.capacity, stamps)
        context = self._contexts.get(holder) if holder is not None else None
        if context is not None:
            span.add_link(context, {semconv.LINK: semconv.WAITED_FOR})

    def _end(self, span: Span, stamps: Stamps, lifecycle: EndedLifecycle) -> None:
        for event in span_mapping.events(lifecycle):
            span.add_event(event.name, event.attributes, event.at_ns)
        span.set_attributes(span_mapping.attributes_at_end(lifecycle))
        status = semconv.status_of(lifecycle)
        if status.error_type:
            span.set_status(Status(StatusCode.ERROR, status.description))
        span.end(stamps.latest_ns if lifecycle.phase == "closed" else max(stamps.latest_ns, time.time_ns()))

    def _abandon(self) -> None:
        for span, row, acquire_ns, resource, rare in self._open.values():
            stamps = Stamps.of(row, acquire_ns)
            self._link_holder(span, resource, stamps)
            self._end(span, stamps, EndedLifecycle.of(row, stamps, Failures(), "abandoned", rare))
        self._open.clear()


def _program_context(trace: wire.Trace) -> SpanContext | None:
    """The program's span that is the parent of a root."""
    if trace.otel_trace_id is None or trace.otel_parent_id is None:
        return None
    flags = TraceFlags(TraceFlags.DEFAULT if trace.otel_trace_id in tracer.current.unsampled else TraceFlags.SAMPLED)
    ids = int.from_bytes(trace.otel_trace_id, "big"), int.from_bytes(trace.otel_parent_id, "big")
    return SpanContext(*ids, is_remote=False, trace_flags=flags)
