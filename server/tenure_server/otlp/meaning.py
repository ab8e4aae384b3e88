"""What a span of any service is in Tenure's words; docs/opentelemetry.md has the table."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b

from tenure import wire
from tenure_server.otlp.spans import CLIENT, CONSUMER, PRODUCER, SERVER, Facts, Form
from tenure_server.scrub import scrub

NUMBER_BITS = 40  # of an id on the wire
MAX_TEXT = 1_000  # characters of what a span says of itself; more is cut off
_AHEAD = 200  # more are looked at, so that a secret that the cut halves is still told by what follows it

_QUALIFIED_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_MAX_PID = 1 << 62


def process(facts: Facts, started_ns: int, generation: int) -> wire.Process:
    """The process that an OpenTelemetry resource stands for. The same resource is the same process for ever.

    It is known by its instance id, else by where it runs. ``generation``: see ``batches``.
    """
    instance = str(facts.get("service.instance.id", ""))
    names = ("service.namespace", "service.name")
    places = ("host.name", "k8s.pod.uid", "k8s.pod.name", "container.id", "process.pid", "telemetry.sdk.language")
    identity = [str(facts.get(name, ""))[:MAX_TEXT] for name in (names if instance else (*names, *places))]
    is_python = facts.get("telemetry.sdk.language") == "python"
    pid = facts.get("process.pid")
    return wire.Process(
        id=_digest(16, "process", str(generation), instance[:MAX_TEXT], *identity),
        service=_text(facts, "service.name") or "unknown_service",
        host=_text(facts, "host.name") or _text(facts, "k8s.pod.name"),
        pid=pid if isinstance(pid, int) and 0 <= pid < _MAX_PID else 0,
        python=_text(facts, "process.runtime.version") if is_python else "",
        started_wall_ns=started_ns,
    )


def resource(form: Form) -> wire.Resource:
    """What a span uses: the other side of a call, a database, a queue; of a service's own work, the work."""
    kind, name, stereotype = _resource(form)
    number = int.from_bytes(_digest(5, "resource", kind, name), "big")
    return wire.Resource(number or 1, kind, name, None, stereotype)


def _resource(form: Form) -> tuple[str, str, str]:  # noqa: PLR0911 -- one a line of the table
    facts = form.facts
    if kind := _text(facts, "tenure.resource.kind"):
        return kind, _text(facts, "tenure.resource.name"), "participant"
    if system := _first(facts, "db.system.name", "db.system"):
        return system, _first(facts, "db.namespace", "db.name") or _server(facts), "database"
    if form.kind != SERVER and (system := _first(facts, "messaging.system")):
        return system, _first(facts, "messaging.destination.name") or _server(facts), "queue"
    if form.kind in {PRODUCER, CONSUMER}:
        return "messages", name_of(form), "queue"
    rpc = _first(facts, "rpc.system.name", "rpc.system")
    is_http = _first(facts, "http.request.method", "http.method")
    if form.kind == CLIENT:
        peer = _first(facts, "peer.service") or _server(facts) or _first(facts, "rpc.service") or name_of(form)
        return rpc or ("http" if is_http else "client"), peer, "participant"
    if form.kind == SERVER:
        return rpc or "Request", name_of(form), "participant"
    if _QUALIFIED_NAME.fullmatch(form.name):
        return name_of(form), "", "participant"
    return "span", name_of(form), "participant"


def site(form: Form) -> wire.Site:
    """Where the program said it began, and the span's name for a call. ``exit`` is empty: a span has but an end."""
    facts = form.facts
    function = _first(facts, "code.function.name", "code.function")
    namespace = _text(facts, "code.namespace")
    line = facts.get("code.line.number", facts.get("code.lineno", 0))
    return wire.Site(
        file=_first(facts, "code.file.path", "code.filepath"),
        line=line if isinstance(line, int) and 0 <= line < 1 << 31 else 0,
        function=f"{namespace}.{function}" if namespace and function else function,
        expression="",
        enter="request" if form.kind == SERVER else name_of(form),
        exit="",
    )


def thread(facts: Facts) -> str:
    """The name of the thread that a span tells of, "" where it tells of none."""
    return _first(facts, "thread.name", "thread.id")


def exception(error: tuple[str, str], facts: Facts) -> wire.ExceptionInfo | None:
    kind, message = clean(error[0]) or _text(facts, "error.type"), clean(error[1])
    return wire.ExceptionInfo(kind or "error", message) if kind or message else None


def name_of(form: Form) -> str:
    return clean(form.name) or "span"


def clean(text: str) -> str:
    """A text as it may be stored: without secrets, at most MAX_TEXT characters."""
    return _clean(text[: MAX_TEXT + _AHEAD]) if text else ""


@lru_cache(maxsize=4_096)
def _clean(text: str) -> str:
    return scrub(text)[:MAX_TEXT]


def _server(facts: Facts) -> str:
    address = _first(facts, "server.address", "net.peer.name")
    port = _first(facts, "server.port", "net.peer.port")
    return f"{address}:{port}" if address and port else address


def _first(facts: Facts, *names: str) -> str:
    return next((text for name in names if (text := _text(facts, name))), "")


def _text(facts: Facts, name: str) -> str:
    value = facts.get(name, "")
    return clean(value) if isinstance(value, str) else str(value)


def _digest(size: int, *parts: str) -> bytes:
    return blake2b("\0".join(parts).encode(errors="replace"), digest_size=size).digest()
