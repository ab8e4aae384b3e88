"""What the readers of OTLP give: spans with as much of them as becomes of a lifecycle, and nothing decoded twice.

Most of a span is what hundreds of others have too: its name, its kind and those of its attributes that mean something
here. That is its *shape*; it stays as it came, and what it says is read once for all spans of one shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from tenure_server.limits import MAX_SPANS

Value = str | int | float | bool
Facts = Mapping[str, Value]  # attributes by their keys
Shape = tuple[object, ...]


class Malformed(ValueError):
    """The bytes are no ExportTraceServiceRequest."""


class TooMany(ValueError):
    """A request has more than it may have."""

    def __init__(self, limit: int = MAX_SPANS, what: str = "spans") -> None:
        super().__init__(f"the request has more than {limit} {what} (send smaller ones)")


class Form(msgspec.Struct, frozen=True):
    """What a shape says."""

    kind: int  # SpanKind
    name: str
    facts: Facts


class Span(msgspec.Struct, gc=False):
    """As it came: ids may have any length, times any value."""

    trace: bytes
    id: bytes
    parent: bytes
    start_ns: int
    end_ns: int
    shape: Shape
    error: tuple[str, str] | None  # type and message, either "" where it is not told; None: the status is no error


class Group(msgspec.Struct, frozen=True):
    """The spans of one resource and scope. ``form`` reads the shape of any of them; it may raise Malformed."""

    resource: Facts
    scope: str
    spans: list[Span]
    form: Callable[[Shape], Form]


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
        "error.type", "tenure.resource.kind", "tenure.resource.name",
    }
)  # fmt: skip
