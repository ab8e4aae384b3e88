"""The expected spans of lifecycles, made with OpenTelemetry's SDK: what the encoder is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from tenure import wire
from tenure_server.model.records import Lifecycle, Process
from tenure_server.store import ClosedLifecycle

Links = Mapping[str, list[tuple[str, str, str]]]  # by lifecycle: trace, lifecycle and why


def sdk_span(ending: ClosedLifecycle, process: Process, links: Links) -> ReadableSpan:
    lifecycle = ending.lifecycle
    is_request = lifecycle.site.enter == "request" and lifecycle.resource.name != ""
    return ReadableSpan(
        name=lifecycle.resource.name if is_request else _label(lifecycle),
        context=_context(lifecycle.trace, lifecycle.id),
        parent=_parent(ending),
        resource=Resource(
            {
                "service.name": process.service,
                "service.instance.id": process.id,
                "host.name": process.host,
                "process.pid": process.pid,
                "process.runtime.name": "cpython",
                "process.runtime.version": process.python,
                "telemetry.sdk.name": "tenure",
                "telemetry.sdk.language": "python",
                "telemetry.sdk.version": version("tenure-server"),
            }
        ),
        attributes=_attributes(lifecycle),
        events=list(_events(lifecycle)),
        links=[
            Link(_context(trace, linked), {"tenure.link": why}) for trace, linked, why in links.get(lifecycle.id, [])
        ],
        kind=SpanKind.SERVER if lifecycle.site.enter == "request" else SpanKind.INTERNAL,
        instrumentation_scope=InstrumentationScope("tenure", version("tenure-server")),
        status=_status(lifecycle),
        start_time=lifecycle.acquire_ns,
        end_time=ending.ended_ns,
    )


def _label(lifecycle: Lifecycle) -> str:
    """The kinds of the tests are "shop.Lock" and the like, their names never repeat the kind."""
    return f"{lifecycle.resource.kind.rpartition('.')[2]} {lifecycle.resource.name}".rstrip()


def _context(trace: str, lifecycle: str) -> SpanContext:
    process, _, number = lifecycle.partition("-")
    span = int(wire.span_id(bytes.fromhex(process), int(number)), 16)
    return SpanContext(int(trace, 16), span, is_remote=False, trace_flags=TraceFlags(1))


def _parent(ending: ClosedLifecycle) -> SpanContext | None:
    lifecycle = ending.lifecycle
    if lifecycle.otel_parent is not None:
        return SpanContext(int(lifecycle.trace, 16), int(lifecycle.otel_parent, 16), is_remote=False)
    if lifecycle.parent is not None:
        return _context(lifecycle.trace, lifecycle.parent)
    return None


def _attributes(lifecycle: Lifecycle) -> dict[str, str | int | float | bool]:
    attributes: dict[str, str | int | float | bool | None] = {}
    stamps = [lifecycle.acquire_ns, lifecycle.acquired_ns, lifecycle.release_ns, lifecycle.released_ns]
    for name, start, end in zip(("wait", "hold", "release"), stamps, stamps[1:], strict=False):
        if start is not None and end is not None and lifecycle.acquired_ns is not None:
            attributes[f"tenure.{name}_time"] = (end - start) / 1e9
    resource, site = lifecycle.resource, lifecycle.site
    is_routed = site.enter == "request" and " " in resource.name
    method, _, route = resource.name.partition(" ") if is_routed else ("", "", "")
    attributes |= {
        "tenure.resource.id": resource.id,
        "tenure.resource.kind": resource.kind,
        "tenure.resource.name": resource.name or None,
        "tenure.resource.capacity": resource.capacity,
        "tenure.resource.stereotype": None if resource.stereotype == "participant" else resource.stereotype,
        "http.request.method": method or None,
        "http.route": route or None,
        "code.function.name": site.function or None,
        "code.file.path": site.file or None,
        "code.line.number": site.line or None,
        "tenure.site.expression": site.expression or None,
        "tenure.site.enter": None if site.enter == "__aenter__" else site.enter,
        "tenure.site.exit": None if site.exit == "__aexit__" else site.exit,
        "tenure.task.id": lifecycle.task.id,
        "tenure.task.name": lifecycle.task.name,
        "tenure.task.loop": lifecycle.loop,
        "thread.name": lifecycle.thread,
        "tenure.released_by.task.id": lifecycle.released_by and lifecycle.released_by.id,
        "tenure.released_by.task.name": lifecycle.released_by and lifecycle.released_by.name,
        "tenure.phase": lifecycle.phase,
        "tenure.acquire.outcome": lifecycle.acquire_outcome,
        "tenure.body.outcome": lifecycle.body_outcome,
        "tenure.release.outcome": lifecycle.release_outcome,
        "tenure.suppressed": lifecycle.suppressed or None,
        "http.response.status_code": lifecycle.status,
        "error.type": _failure(lifecycle)[0] or None,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _failure(lifecycle: Lifecycle) -> tuple[str, str]:
    """error.type and the status's description."""
    if lifecycle.phase == "abandoned":
        reached = [lifecycle.acquired_ns is not None, lifecycle.release_ns is not None]
        left_in = ["acquiring", "held", "releasing"][sum(reached)]
        return "abandoned", f"abandoned while {left_in}: the process ended"
    cause = None
    if lifecycle.acquire_outcome == "error" or lifecycle.release_outcome == "error":
        cause = lifecycle.raised
    elif lifecycle.body_outcome != "error" or lifecycle.suppressed:
        return (str(lifecycle.status), "") if lifecycle.status in {500, 599} else ("", "")
    else:
        cause = lifecycle.body_exception
    if cause is None:
        return "_OTHER", ""
    return cause.type, f"{cause.type}: {cause.message}" if cause.message else cause.type


def _status(lifecycle: Lifecycle) -> Status:
    error_type, description = _failure(lifecycle)
    return Status(StatusCode.ERROR, description) if error_type else Status(StatusCode.UNSET)


def _events(lifecycle: Lifecycle) -> list[Event]:
    events = []
    if lifecycle.acquired_ns is not None:
        events.append(Event("acquired", timestamp=lifecycle.acquired_ns))
    if lifecycle.release_ns is not None:
        events.append(Event("releasing", timestamp=lifecycle.release_ns))
    own = "acquiring" if lifecycle.acquired_ns is None else "releasing"
    for exception, at_ns, phase in (
        (lifecycle.body_exception, lifecycle.release_ns, "held"),
        (lifecycle.raised, lifecycle.released_ns, own),
    ):
        if exception is not None and at_ns is not None:
            attributes = {"exception.type": exception.type, "exception.message": exception.message}
            attributes = {name: value for name, value in attributes.items() if value} | {"tenure.phase": phase}
            events.append(Event("exception", attributes, timestamp=at_ns))
    return events
