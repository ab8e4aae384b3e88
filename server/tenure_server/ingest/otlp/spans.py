"""What the readers of OTLP answer: of each span, the parts of which a lifecycle is made.

Hundreds of spans have the same name, the same kind and equal values of the attributes that have a meaning here. This is
the *shape* of a span. It stays encoded, and is decoded once for all spans of one shape.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

import msgspec

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

EXCEPTION, EXCEPTION_TYPE, EXCEPTION_MESSAGE = "exception", "exception.type", "exception.message"

# The attributes that mean something here, by the semantic conventions and by the names they had before.
OF_RESOURCES = frozenset(
    {
        "service.name", "service.namespace", "service.instance.id", "host.name", "k8s.pod.uid", "k8s.pod.name",
        "container.id", "process.pid", "process.runtime.version", "telemetry.sdk.name", "telemetry.sdk.language",
    }
)  # fmt: skip
OF_SPANS = frozenset(
    {
        "db.system.name", "db.system", "db.namespace", "db.name",
        "messaging.system", "messaging.destination.name",
        "rpc.system.name", "rpc.system", "rpc.service",
        "http.request.method", "http.method", "http.route",
        "peer.service", "server.address", "server.port", "net.peer.name", "net.peer.port",
        "thread.id", "thread.name",
        "code.function.name", "code.function", "code.namespace", "code.file.path", "code.filepath", "code.line.number",
        "code.lineno",
        "error.type",
        "tenure.resource.kind", "tenure.resource.name", "tenure.resource.id", "tenure.resource.capacity",
        "tenure.resource.stereotype",
        "tenure.task.id", "tenure.task.name", "tenure.site.expression", "tenure.site.enter", "tenure.site.exit",
        "tenure.suppressed", "tenure.phase", "tenure.acquire.outcome", "tenure.body.outcome", "tenure.release.outcome",
    }
)  # fmt: skip
# Of Tenure's own spans, by the table of export.meaning: floats of their own in nearly every span, and in no shape.
TIMES = ("tenure.wait_time", "tenure.hold_time", "tenure.release_time")

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
