"""What the readers of OTLP answer: of each span, the parts of which a lifecycle is made.

Hundreds of spans have the same name, the same kind and equal values of the attributes that have a meaning here. This is
the *shape* of a span. It stays encoded, and is decoded once for all spans of one shape.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

import msgspec

from tenure import semconv
from tenure_server.limits import MAX_SPANS

Value = str | int | float | bool
Facts = Mapping[str, Value]  # attributes by their keys


class MalformedRequest(ValueError):
    """The bytes are not an ExportTraceServiceRequest."""


class TooMany(ValueError):
    """A request exceeds a limit."""

    def __init__(self, limit: int = MAX_SPANS, items: str = "spans") -> None:
        super().__init__(f"the request has more than {limit} {items} (send smaller requests)")


class Form(msgspec.Struct, frozen=True):
    """A decoded shape."""

    kind: int  # SpanKind
    name: str
    facts: Facts


# A span: trace, id, parent, start_ns, end_ns, shape, error, times.
#
# ``trace`` has 16 bytes, or none if the trace id is invalid. ``id`` and ``parent`` are signed 64-bit integers; 0: there
# is none, or the id is invalid; None: the parent id is invalid. ``error`` is type and message, either may be "";
# None: the status is not an error. ``times`` are the wait, hold and release times of Tenure's own spans, in s,
# negative: not known; None: the span has none of them.
Span = tuple[bytes, int, int | None, int, int, Hashable, tuple[str, str] | None, tuple[float, float, float] | None]


class Group(msgspec.Struct, frozen=True):
    """The spans of one resource and scope. ``form`` decodes the shape of one of them; it may raise MalformedRequest."""

    resource: Facts
    scope: str
    spans: list[Span]
    form: Callable[[Hashable], Form]


# SpanKind of opentelemetry.proto.trace.v1.
INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5
STATUS_ERROR = 2

EXCEPTION, EXCEPTION_TYPE, EXCEPTION_MESSAGE = (
    semconv.EXCEPTION,
    semconv.EXCEPTION_TYPE,
    semconv.EXCEPTION_MESSAGE,
)

# The attributes that mean something here, by the semantic conventions and by the names they had before.
OF_RESOURCES = frozenset(
    {
        semconv.SERVICE_NAME, "service.namespace", semconv.SERVICE_INSTANCE_ID, semconv.HOST_NAME,
        "k8s.pod.uid", "k8s.pod.name", "container.id",
        semconv.PROCESS_PID, semconv.RUNTIME_VERSION, semconv.SDK_NAME, semconv.SDK_LANGUAGE,
    }
)  # fmt: skip
OF_SPANS = frozenset(
    {
        "db.system.name", "db.system", "db.namespace", "db.name",
        "messaging.system", "messaging.destination.name",
        "rpc.system.name", "rpc.system", "rpc.service",
        semconv.REQUEST_METHOD, "http.method", semconv.ROUTE, semconv.RESPONSE_STATUS, "http.status_code",
        "peer.service", "server.address", "server.port", "net.peer.name", "net.peer.port",
        "thread.id", "thread.name",
        semconv.FUNCTION_NAME, "code.function", "code.namespace", semconv.FILE_PATH, "code.filepath",
        semconv.LINE_NUMBER, "code.lineno", semconv.TASK_LOOP, semconv.RELEASED_BY_ID, semconv.RELEASED_BY_NAME,
        semconv.ERROR_TYPE,
        semconv.RESOURCE_KIND, semconv.RESOURCE_NAME, semconv.RESOURCE_ID, semconv.RESOURCE_CAPACITY,
        semconv.RESOURCE_STEREOTYPE,
        semconv.TASK_ID, semconv.TASK_NAME, semconv.SITE_EXPRESSION, semconv.SITE_ENTER, semconv.SITE_EXIT,
        semconv.SUPPRESSED, semconv.PHASE, semconv.ACQUIRE_OUTCOME, semconv.BODY_OUTCOME, semconv.RELEASE_OUTCOME,
    }
)  # fmt: skip
# Of Tenure's own spans: these numbers differ in nearly every span, so they are in no shape.
TIMES = (semconv.WAIT_TIME, semconv.HOLD_TIME, semconv.RELEASE_TIME)

_NO_TRACE = bytes(16)


def trace_of(raw: bytes) -> bytes:
    """The trace id; empty if it is invalid: it does not have 16 bytes, or all of them are zero."""
    return raw if len(raw) == 16 and raw != _NO_TRACE else b""


def id_of(raw: bytes) -> int:
    """The span id; 0 if it is invalid: it does not have eight bytes, or all of them are zero."""
    return int.from_bytes(raw, "big", signed=True) if len(raw) == 8 else 0


def parent_of(raw: bytes) -> int | None:
    """The parent's id; 0: there is none; None: the id is invalid."""
    return id_of(raw) if len(raw) in {0, 8} else None
