"""How a lifecycle is written as an OpenTelemetry span, for both sides: the names, and the rules that apply them.

This module is a leaf. A name is OpenTelemetry's where the semantic conventions have one (service.*, host.*, process.*,
code.*, exception.*, error.type), else it is in the namespace ``tenure``. docs/opentelemetry.md is the table. Nothing
here knows how a span is encoded, or whether it is sent by the program or by the collector: the rules read any record
that has the attributes of their Protocol.
"""

from __future__ import annotations

from typing import NamedTuple

from tenure.semconv.records import Canceller, Lifecycle, RaisedException, Resource, Site, Task

Attributes = dict[str, str | bool | int | float]

SCOPE = "tenure"  # the instrumentation scope of all spans and metrics

SERVICE_NAME, SERVICE_INSTANCE_ID, HOST_NAME = "service.name", "service.instance.id", "host.name"
PROCESS_PID = "process.pid"
RUNTIME_NAME, RUNTIME_VERSION = "process.runtime.name", "process.runtime.version"
SDK_NAME, SDK_LANGUAGE, SDK_VERSION = "telemetry.sdk.name", "telemetry.sdk.language", "telemetry.sdk.version"

RESOURCE_ID, RESOURCE_KIND, RESOURCE_NAME = "tenure.resource.id", "tenure.resource.kind", "tenure.resource.name"
RESOURCE_CAPACITY, RESOURCE_STEREOTYPE = "tenure.resource.capacity", "tenure.resource.stereotype"
FUNCTION_NAME, FILE_PATH, LINE_NUMBER = "code.function.name", "code.file.path", "code.line.number"
SITE_EXPRESSION, SITE_ENTER, SITE_EXIT = "tenure.site.expression", "tenure.site.enter", "tenure.site.exit"
TASK_ID, TASK_NAME = "tenure.task.id", "tenure.task.name"
TASK_LOOP, THREAD_NAME = "tenure.task.loop", "thread.name"
RELEASED_BY_ID, RELEASED_BY_NAME = "tenure.released_by.task.id", "tenure.released_by.task.name"

WAIT_TIME, HOLD_TIME, RELEASE_TIME = "tenure.wait_time", "tenure.hold_time", "tenure.release_time"  # s
PHASE, SUPPRESSED = "tenure.phase", "tenure.suppressed"
INTERNAL = "tenure.internal"  # true: a library or framework entered it for its own ends
INTERNAL_VARIABLE = "TENURE_INTERNAL"  # "1" in the environment: exporters send such lifecycles too
ACQUIRE_OUTCOME, BODY_OUTCOME = "tenure.acquire.outcome", "tenure.body.outcome"
RELEASE_OUTCOME = "tenure.release.outcome"
REQUEST_METHOD, ROUTE, RESPONSE_STATUS = "http.request.method", "http.route", "http.response.status_code"
METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
OTHER_METHOD = "_OTHER"  # the semantic conventions' value of http.request.method where HTTP does not define the method
SERVER_ERRORS = range(500, 600)  # HTTP status codes; the span of such a request has the status Error
ERROR_TYPE, EXCEPTION_TYPE, EXCEPTION_MESSAGE = "error.type", "exception.type", "exception.message"
OTHER_ERROR = "_OTHER"  # the semantic conventions' value of error.type where the type is unknown

CANCELLER_TASK_ID, CANCELLER_TASK_NAME = "tenure.canceller.task.id", "tenure.canceller.task.name"
CANCELLER_VIA, CANCELLER_SITE = "tenure.canceller.via", "tenure.canceller.site"  # the site as "file:line"

ACQUIRED, RELEASING, EXCEPTION = "acquired", "releasing", "exception"  # names of events

LINK, WAITED_FOR, HELD_AROUND = "tenure.link", "waited_for", "held_around"  # an attribute of links, and its values
MIN_LINKED_WAIT_NS = 100_000  # a span links to the holder that it waited for only after a wait of this length


class Status(NamedTuple):
    """``error_type`` is the attribute error.type; "": the status is unset."""

    error_type: str
    description: str


class ExceptionEvent(NamedTuple):
    at_ns: int
    attributes: Attributes


def process_attributes(*, service: str, instance: str, host: str, pid: int, python: str, version: str) -> Attributes:
    """A traced process as an OpenTelemetry Resource; ``version`` is that of the distribution that makes its spans."""
    return {
        SERVICE_NAME: service, SERVICE_INSTANCE_ID: instance, HOST_NAME: host, PROCESS_PID: pid,
        RUNTIME_NAME: "cpython", RUNTIME_VERSION: python,
        SDK_NAME: "tenure", SDK_LANGUAGE: "python", SDK_VERSION: version,
    }  # fmt: skip


def short_kind(kind: str) -> str:
    """The last part of a qualified name: "asyncio.locks.Lock" -> "Lock".

    A method keeps its class ("shop.db.Pool.transaction" -> "Pool.transaction"), and a name made inside a function loses
    it ("shop.main.<locals>.Connection" -> "Connection").
    """
    parts = kind.rpartition("<locals>.")[2].split(".")
    last = parts[-1]
    is_method = len(parts) > 1 and last[:1].islower() and parts[-2].lstrip("_")[:1].isupper()
    return f"{parts[-2]}.{last}" if is_method else last


def resource_label(kind: str, name: str) -> str:
    """Kind and name, "Lock stock_lock"; the name is left out where it only repeats the kind."""
    short = short_kind(kind)
    repeats = _letters(name) in {"", _letters(short), _letters(short.rpartition(".")[2])}
    return short if repeats else f"{short} {name}"


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


def is_request(site: Site) -> bool:
    """Whether the lifecycle is a request to the program: its span has the kind SERVER, every other INTERNAL."""
    return site.enter == "request"


def span_name(resource: Resource, site: Site) -> str:
    """The resource's label, "Lock stock"; of a request its route, "GET /orders/{id}"."""
    return resource.name if is_request(site) and resource.name else resource_label(resource.kind, resource.name)


def resource_attributes(resource: Resource, public_id: str) -> Attributes:
    """``public_id`` is the resource's id outside its process (``wire.public_id``)."""
    attributes: Attributes = {RESOURCE_ID: public_id, RESOURCE_KIND: resource.kind}
    if resource.name:
        attributes[RESOURCE_NAME] = resource.name
    if resource.capacity is not None:
        attributes[RESOURCE_CAPACITY] = resource.capacity
    if resource.stereotype != "participant":
        attributes[RESOURCE_STEREOTYPE] = resource.stereotype
    return attributes


def request_attributes(resource: Resource, site: Site) -> Attributes:
    """Method and route of a request, from its name, "GET /orders/{id}". A name such as "404 Not Found" has neither."""
    method, _, route = resource.name.partition(" ")
    if not is_request(site) or method not in {*METHODS, "*", "WEBSOCKET"}:
        return {}
    attributes: Attributes = (
        {} if method == "WEBSOCKET" else {REQUEST_METHOD: OTHER_METHOD if method == "*" else method}
    )
    if route:
        attributes[ROUTE] = route
    return attributes


def site_attributes(site: Site) -> Attributes:
    """What is known of the site; the calls only where they are not those of ``async with`` itself."""
    values = (FUNCTION_NAME, site.function), (FILE_PATH, site.file), (LINE_NUMBER, site.line)
    attributes: Attributes = {name: value for name, value in (*values, (SITE_EXPRESSION, site.expression)) if value}
    if site.enter != "__aenter__":
        attributes[SITE_ENTER] = site.enter
    if site.exit != "__aexit__":
        attributes[SITE_EXIT] = site.exit
    return attributes


def task_attributes(task: Task, loop: int | None, thread: str | None) -> Attributes:
    """``loop`` is the number of its event loop, ``thread`` the name of its thread, where they are known."""
    attributes: Attributes = {TASK_ID: task.id, TASK_NAME: task.name}
    if loop:
        attributes[TASK_LOOP] = loop
    if thread:
        attributes[THREAD_NAME] = thread
    return attributes


def release_attributes(lifecycle: Lifecycle) -> Attributes:
    """The task that released, if it is another one than the one that acquired."""
    task = lifecycle.released_by
    return {} if task is None else {RELEASED_BY_ID: task.id, RELEASED_BY_NAME: task.name}


def outcome_attributes(lifecycle: Lifecycle) -> Attributes:
    """Phase and outcomes; the status of a response; error.type where the status of the span is an error."""
    attributes: Attributes = {PHASE: lifecycle.phase}
    for key, outcome in (
        (ACQUIRE_OUTCOME, lifecycle.acquire_outcome),
        (BODY_OUTCOME, lifecycle.body_outcome),
        (RELEASE_OUTCOME, lifecycle.release_outcome),
    ):
        if outcome is not None:
            attributes[key] = outcome
    if lifecycle.suppressed:
        attributes[SUPPRESSED] = True
    if lifecycle.internal:
        attributes[INTERNAL] = True
    if lifecycle.status is not None:
        attributes[RESPONSE_STATUS] = lifecycle.status
    if error_type := status_of(lifecycle).error_type:
        attributes[ERROR_TYPE] = error_type
    return attributes


def status_of(lifecycle: Lifecycle) -> Status:
    """An error where a phase ended in one that was not suppressed, or where it was abandoned; not a cancellation.

    An exception is an error of the innermost lifecycle that it left, and of the root: that is what the request came to.
    A response of 5xx is an error too; its type is the number (https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
    """
    if lifecycle.phase == "abandoned":
        return Status("abandoned", f"abandoned while {open_phase(lifecycle)}: the process ended")
    is_elsewhere = lifecycle.propagated and lifecycle.parent is not None
    if "error" in {lifecycle.acquire_outcome, lifecycle.release_outcome}:
        exception = lifecycle.raised
    elif lifecycle.body_outcome == "error" and not (lifecycle.suppressed or is_elsewhere):
        exception = lifecycle.body_exception
    else:
        return Status(str(lifecycle.status) if lifecycle.status in SERVER_ERRORS else "", "")
    if exception is None:
        return Status(OTHER_ERROR, "")
    return Status(exception.type, f"{exception.type}: {exception.message}" if exception.message else exception.type)


def open_phase(lifecycle: Lifecycle) -> str:
    """The last phase that an abandoned lifecycle entered."""
    if lifecycle.release_ns is not None:
        return "releasing"
    return "acquiring" if lifecycle.acquired_ns is None else "held"


def exception_events(lifecycle: Lifecycle) -> list[ExceptionEvent]:
    """What left the body, when the release began; what acquire or release raised itself, when the lifecycle ended.

    An exception is one event: of the innermost lifecycle that it left.
    """
    events: list[ExceptionEvent] = []
    if lifecycle.body_exception is not None and lifecycle.release_ns is not None and not lifecycle.propagated:
        events.append(ExceptionEvent(lifecycle.release_ns, _exception_attributes(lifecycle.body_exception, "held")))
    if lifecycle.raised is not None and lifecycle.released_ns is not None:
        phase = "acquiring" if lifecycle.acquired_ns is None else "releasing"
        events.append(ExceptionEvent(lifecycle.released_ns, _exception_attributes(lifecycle.raised, phase)))
    return events


def _exception_attributes(exception: RaisedException, phase: str) -> Attributes:
    attributes: Attributes = {EXCEPTION_TYPE: exception.type}
    if exception.message:
        attributes[EXCEPTION_MESSAGE] = exception.message
    attributes[PHASE] = phase
    if exception.canceller is not None:
        attributes |= _canceller_attributes(exception.canceller)
    return attributes


def _canceller_attributes(canceller: Canceller) -> Attributes:
    attributes: Attributes = {}
    if canceller.task is not None:
        attributes |= {CANCELLER_TASK_ID: canceller.task.id, CANCELLER_TASK_NAME: canceller.task.name}
    if canceller.via:
        attributes[CANCELLER_VIA] = canceller.via
    if canceller.site is not None:
        attributes[CANCELLER_SITE] = f"{canceller.site.file}:{canceller.site.line}"
    return attributes
