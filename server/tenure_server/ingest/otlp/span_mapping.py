"""The resource, site, process and exception of a span of any service; docs/opentelemetry.md has the table."""

from __future__ import annotations

import re
from hashlib import blake2b

from tenure import semconv, wire
from tenure_server.ingest.otlp.sanitize import MAX_TEXT, clean, first, integer, text
from tenure_server.ingest.otlp.spans import CLIENT, CONSUMER, PRODUCER, SERVER, Facts, Form

NUMBER_BITS = 40  # of an id on the wire

_QUALIFIED_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_MIN_STATUS, _MAX_STATUS = 100, 999
_MAX_PID, _MAX_LINE = (1 << 62) - 1, (1 << 31) - 1


def process(facts: Facts, started_ns: int, generation: int) -> wire.Process:
    """The process of an OpenTelemetry resource. An equal resource always means the same process.

    Its identity is the instance id, or else the attributes of where it runs. ``generation``: see ``batches``.
    """
    instance = str(facts.get(semconv.SERVICE_INSTANCE_ID, ""))
    names = ("service.namespace", semconv.SERVICE_NAME)
    places = (
        semconv.HOST_NAME,
        "k8s.pod.uid",
        "k8s.pod.name",
        "container.id",
        semconv.PROCESS_PID,
        semconv.SDK_LANGUAGE,
    )
    identity = [str(facts.get(name, ""))[:MAX_TEXT] for name in (names if instance else (*names, *places))]
    is_python = facts.get(semconv.SDK_LANGUAGE) == "python"
    return wire.Process(
        id=_digest(16, "process", str(generation), instance[:MAX_TEXT], *identity),
        service=text(facts, semconv.SERVICE_NAME) or "unknown_service",
        host=text(facts, semconv.HOST_NAME) or text(facts, "k8s.pod.name"),
        pid=integer(facts, semconv.PROCESS_PID, _MAX_PID) or 0,
        python=text(facts, semconv.RUNTIME_VERSION) if is_python else "",
        started_wall_ns=started_ns,
    )


def resource(form: Form) -> wire.Resource:
    """What a span uses: the called service, a database, a queue. A span of the service's own work uses that work."""
    kind, name, stereotype = _resource(form)
    number = int.from_bytes(_digest(5, "resource", kind, name), "big")
    return wire.Resource(number or 1, kind, name, None, stereotype)


def _resource(form: Form) -> tuple[str, str, str]:  # noqa: PLR0911 -- one a line of the table
    facts = form.facts
    if kind := text(facts, semconv.RESOURCE_KIND):
        return kind, text(facts, semconv.RESOURCE_NAME), "participant"
    if system := first(facts, "db.system.name", "db.system"):
        return system, first(facts, "db.namespace", "db.name") or _server(facts), "database"
    if form.kind != SERVER and (system := first(facts, "messaging.system")):
        return system, first(facts, "messaging.destination.name") or _server(facts), "queue"
    if form.kind in {PRODUCER, CONSUMER}:
        return "messages", name_of(form), "queue"
    rpc = first(facts, "rpc.system.name", "rpc.system")
    is_http = first(facts, "http.request.method", "http.method")
    if form.kind == CLIENT:
        peer = first(facts, "peer.service") or _server(facts) or first(facts, "rpc.service") or name_of(form)
        return rpc or ("http" if is_http else "client"), peer, "participant"
    if form.kind == SERVER:
        return rpc or "Request", name_of(form), "participant"
    if _QUALIFIED_NAME.fullmatch(form.name):
        return name_of(form), "", "participant"
    return "span", name_of(form), "participant"


def site(form: Form) -> wire.Site:
    """The place in the code, if the span has one, and the span's name as call. ``exit`` is empty: spans have none."""
    facts = form.facts
    function = first(facts, semconv.FUNCTION_NAME, "code.function")
    namespace = text(facts, "code.namespace")
    return wire.Site(
        file=first(facts, semconv.FILE_PATH, "code.filepath"),
        line=integer(facts, semconv.LINE_NUMBER, _MAX_LINE) or integer(facts, "code.lineno", _MAX_LINE) or 0,
        function=f"{namespace}.{function}" if namespace and function else function,
        expression="",
        enter="request" if form.kind == SERVER else name_of(form),
        exit="",
    )


def status(facts: Facts) -> int:
    """The HTTP status of the response; 0 if the span has none."""
    code = integer(facts, semconv.RESPONSE_STATUS, _MAX_STATUS) or integer(facts, "http.status_code", _MAX_STATUS) or 0
    return code if code >= _MIN_STATUS else 0


def thread(facts: Facts) -> str:
    """The name of the span's thread; "" if it has none."""
    return first(facts, "thread.name", "thread.id")


def exception(error: tuple[str, str], facts: Facts) -> wire.ExceptionInfo | None:
    kind, message = clean(error[0]) or text(facts, semconv.ERROR_TYPE), clean(error[1])
    return wire.ExceptionInfo(kind or "error", message) if kind or message else None


def name_of(form: Form) -> str:
    return clean(form.name) or "span"


def _server(facts: Facts) -> str:
    address = first(facts, "server.address", "net.peer.name")
    port = first(facts, "server.port", "net.peer.port")
    return f"{address}:{port}" if address and port else address


def _digest(size: int, *parts: str) -> bytes:
    return blake2b("\0".join(parts).encode(errors="replace"), digest_size=size).digest()
