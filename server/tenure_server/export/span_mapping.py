"""What a lifecycle is as an OpenTelemetry span; docs/opentelemetry.md is the table of it.

Names by the semantic conventions where they have one (service.*, host.*, process.*, code.*, exception.*, error.type),
else in the namespace ``tenure``. Nothing here knows how a span is encoded.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import NamedTuple

from tenure_server.model.labels import resource_label
from tenure_server.model.records import Canceller, ExceptionInfo, Lifecycle, Process, ResourceRef, Site, TaskRef
from tenure_server.opentelemetry.protobuf import Value

Attributes = dict[str, Value]

INTERNAL, SERVER = 1, 2  # SpanKind
UNSET, ERROR = 0, 2  # StatusCode
SCOPE = "tenure"
VERSION = version("tenure-server")

ACQUIRED, RELEASING, EXCEPTION = "acquired", "releasing", "exception"  # events
WAIT_TIME, HOLD_TIME, RELEASE_TIME = "tenure.wait_time", "tenure.hold_time", "tenure.release_time"  # s
LINK, WAITED_FOR, HELD_AROUND = "tenure.link", "waited_for", "held_around"


class Status(NamedTuple):
    """``error_type`` is the attribute error.type, "" where nothing failed."""

    code: int
    description: str
    error_type: str


def process_attributes(process: Process) -> Attributes:
    """The process as an OpenTelemetry Resource."""
    return {
        "service.name": process.service,
        "service.instance.id": process.id,
        "host.name": process.host,
        "process.pid": process.pid,
        "process.runtime.name": "cpython",
        "process.runtime.version": process.python,
        "telemetry.sdk.name": "tenure",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": VERSION,
    }


def span_name(resource: ResourceRef, site: Site) -> str:
    """What people call the resource, "Lock stock"; a request by its route, "GET /orders/{id}"."""
    if site.enter == "request" and resource.name:
        return resource.name
    return resource_label(resource.kind, resource.name, None)


def span_kind(site: Site) -> int:
    return SERVER if site.enter == "request" else INTERNAL


def resource_attributes(resource: ResourceRef) -> Attributes:
    found: Attributes = {"tenure.resource.id": resource.id, "tenure.resource.kind": resource.kind}
    if resource.name:
        found["tenure.resource.name"] = resource.name
    if resource.capacity is not None:
        found["tenure.resource.capacity"] = resource.capacity
    if resource.stereotype != "participant":
        found["tenure.resource.stereotype"] = resource.stereotype
    return found


def task_attributes(task: TaskRef) -> Attributes:
    return {"tenure.task.id": task.id, "tenure.task.name": task.name}


def site_attributes(site: Site) -> Attributes:
    found: Attributes = {}
    if site.function:
        found["code.function.name"] = site.function
    if site.file:
        found["code.file.path"] = site.file
    if site.line:
        found["code.line.number"] = site.line
    if site.expression:
        found["tenure.site.expression"] = site.expression
    if site.enter != "__aenter__":
        found["tenure.site.enter"] = site.enter
    if site.exit != "__aexit__":
        found["tenure.site.exit"] = site.exit
    return found


def outcome_attributes(lifecycle: Lifecycle) -> Attributes:
    """Phase and outcomes; error.type where the status is an error."""
    found: Attributes = {"tenure.phase": lifecycle.phase}
    for name, outcome in (
        ("tenure.acquire.outcome", lifecycle.acquire_outcome),
        ("tenure.body.outcome", lifecycle.body_outcome),
        ("tenure.release.outcome", lifecycle.release_outcome),
    ):
        if outcome is not None:
            found[name] = outcome
    if lifecycle.suppressed:
        found["tenure.suppressed"] = True
    if error_type := status_of(lifecycle).error_type:
        found["error.type"] = error_type
    return found


def exception_attributes(exception: ExceptionInfo, phase: str) -> Attributes:
    """``phase`` is the one in which it was raised."""
    found: Attributes = {"exception.type": exception.type}
    if exception.message:
        found["exception.message"] = exception.message
    found["tenure.phase"] = phase
    if exception.canceller is not None:
        found |= _canceller_attributes(exception.canceller)
    return found


def _canceller_attributes(canceller: Canceller) -> Attributes:
    """Who asked for a cancellation: "tenure.canceller.site" is "file:line"."""
    found: Attributes = {}
    if canceller.task is not None:
        found |= {"tenure.canceller.task.id": canceller.task.id, "tenure.canceller.task.name": canceller.task.name}
    if canceller.via:
        found["tenure.canceller.via"] = canceller.via
    if canceller.site is not None:
        found["tenure.canceller.site"] = f"{canceller.site.file}:{canceller.site.line}"
    return found


def raised_in(lifecycle: Lifecycle) -> str:
    """The phase in which acquire or release raised an exception of its own."""
    return "acquiring" if lifecycle.acquired_ns is None else "releasing"


def status_of(lifecycle: Lifecycle) -> Status:
    """An error where a phase ended in one that was not suppressed, or where it was abandoned; not a cancellation."""
    if lifecycle.phase == "abandoned":
        return Status(ERROR, f"abandoned while {left_in(lifecycle)}: the process ended", "abandoned")
    if "error" in {lifecycle.acquire_outcome, lifecycle.release_outcome}:
        cause = lifecycle.raised
    elif lifecycle.body_outcome == "error" and not lifecycle.suppressed:
        cause = lifecycle.body_exception
    else:
        return Status(UNSET, "", "")
    if cause is None:
        return Status(ERROR, "", "_OTHER")  # the convention's word for an error of unknown type
    return Status(ERROR, f"{cause.type}: {cause.message}" if cause.message else cause.type, cause.type)


def left_in(lifecycle: Lifecycle) -> str:
    """The phase in which a lifecycle was left."""
    if lifecycle.release_ns is not None:
        return "releasing"
    return "acquiring" if lifecycle.acquired_ns is None else "held"
