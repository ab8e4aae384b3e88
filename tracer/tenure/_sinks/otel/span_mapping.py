"""What a row of a batch is as a span: name, attributes, events and status.

The collector's own export says the same of the same lifecycle; a test compares the two.
"""

from __future__ import annotations

from typing import NamedTuple

from opentelemetry.trace import SpanKind

from tenure import wire

Attributes = dict[str, str | bool | int | float]


class Event(NamedTuple):
    name: str
    at_ns: int
    attributes: Attributes


class Stamps(NamedTuple):
    """Wall time in ns, None where not reached; ``end`` is when the lifecycle ended."""

    acquire: int
    acquired: int | None
    release: int | None
    released: int | None

    @classmethod
    def of(cls, row: wire.Row, acquire: int) -> Stamps:
        acquired = acquire + row.wait_ns if row.wait_ns != wire.NOT_REACHED else None
        release = (acquired or acquire) + row.hold_ns if row.hold_ns != wire.NOT_REACHED else None
        last = release or acquired or acquire
        return cls(acquire, acquired, release, last + row.release_ns if row.release_ns != wire.NOT_REACHED else None)

    @property
    def latest(self) -> int:
        return self.released or self.release or self.acquired or self.acquire


class Failures(NamedTuple):
    """What left the body, and what acquire or release raised of its own; who asked, where it was a cancellation."""

    body: wire.ExceptionInfo | None = None
    raised: wire.ExceptionInfo | None = None
    body_canceller: Attributes | None = None
    canceller: Attributes | None = None

    @classmethod
    def of(cls, row: wire.Row, batch: wire.Batch) -> Failures:
        table = [None, *batch.exceptions]
        cancellers = [_canceller(number, batch) for number in (row.body_exception, row.exception)]
        return cls(table[row.body_exception], table[row.exception], *cancellers)


def span_name(resource: wire.Resource, site: wire.Site) -> str:
    """What people call the resource, "Lock stock"; a request by its route, "GET /orders/{id}"."""
    if site.enter == "request" and resource.name:
        return resource.name
    short = _short_kind(resource.kind)
    repeats = _plain(resource.name) in {"", _plain(short), _plain(short.rpartition(".")[2])}
    return short if repeats else f"{short} {resource.name}"


def _short_kind(kind: str) -> str:
    """The last part, a method with its class: "asyncio.locks.Lock" -> "Lock", "shop.Pool.begin" -> "Pool.begin"."""
    parts = kind.rpartition("<locals>.")[2].split(".")
    last = parts[-1]
    is_method = len(parts) > 1 and last[:1].islower() and parts[-2].lstrip("_")[:1].isupper()
    return f"{parts[-2]}.{last}" if is_method else last


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def span_kind(site: wire.Site) -> SpanKind:
    return SpanKind.SERVER if site.enter == "request" else SpanKind.INTERNAL


def attributes_at_start(process: bytes, resource: wire.Resource, site: wire.Site, task: wire.Task) -> Attributes:
    """What is known from the beginning: resource, site and task."""
    given: dict[str, str | int | None] = {
        "tenure.resource.id": wire.public_id(process, resource.id),
        "tenure.resource.kind": resource.kind,
        "tenure.resource.name": resource.name or None,
        "tenure.resource.capacity": resource.capacity,
        "tenure.resource.stereotype": None if resource.stereotype == "participant" else resource.stereotype,
        "code.function.name": site.function or None,
        "code.file.path": site.file or None,
        "code.line.number": site.line or None,
        "tenure.site.expression": site.expression or None,
        "tenure.site.enter": None if site.enter == "__aenter__" else site.enter,
        "tenure.site.exit": None if site.exit == "__aexit__" else site.exit,
        "tenure.task.id": wire.public_id(process, task.id),
        "tenure.task.name": task.name,
    }
    return {name: value for name, value in given.items() if value is not None}


def attributes_at_end(row: wire.Row, stamps: Stamps, failures: Failures, phase: str) -> Attributes:
    """Times, outcomes and, for an error, its type; ``phase`` is closed or abandoned."""
    found: Attributes = {}
    if stamps.acquired is not None:
        edges = stamps.acquired, stamps.release, stamps.released
        names = "tenure.wait_time", "tenure.hold_time", "tenure.release_time"
        before = stamps.acquire
        for name, edge in zip(names, edges, strict=True):
            if edge is None:
                break
            found[name] = (edge - before) / 1e9
            before = edge
    found["tenure.phase"] = phase
    for name, shift in (("acquire", 0), ("body", wire.BODY_SHIFT), ("release", wire.RELEASE_SHIFT)):
        outcome = wire.OUTCOMES[row.outcomes >> shift & 3]
        if outcome is not None:
            found[f"tenure.{name}.outcome"] = outcome
    if row.outcomes & wire.SUPPRESSED:
        found["tenure.suppressed"] = True
    if error_type := error_of(row, stamps, failures, phase)[0]:
        found["error.type"] = error_type
    return found


def error_of(row: wire.Row, stamps: Stamps, failures: Failures, phase: str) -> tuple[str, str]:
    """error.type and the status's description; "" twice where nothing failed."""
    if phase == "abandoned":
        left_in = "releasing" if stamps.release else "held" if stamps.acquired else "acquiring"
        return "abandoned", f"abandoned while {left_in}: the process ended"
    if wire.ERROR in {row.outcomes & 3, row.outcomes >> wire.RELEASE_SHIFT & 3}:
        cause = failures.raised
    elif row.outcomes >> wire.BODY_SHIFT & 3 == wire.ERROR and not row.outcomes & wire.SUPPRESSED:
        cause = failures.body
    else:
        return "", ""
    if cause is None:
        return "_OTHER", ""
    return cause.type, f"{cause.type}: {cause.message}" if cause.message else cause.type


def events(stamps: Stamps, failures: Failures) -> list[Event]:
    """In the order of the record: acquired, releasing, what left the body, what was raised beside it."""
    found = []
    if stamps.acquired is not None:
        found.append(Event("acquired", stamps.acquired, {}))
    if stamps.release is not None:
        found.append(Event("releasing", stamps.release, {}))
        if failures.body is not None:
            found.append(_exception(failures.body, stamps.release, "held", failures.body_canceller))
    if stamps.released is not None and failures.raised is not None:
        phase = "acquiring" if stamps.acquired is None else "releasing"
        found.append(_exception(failures.raised, stamps.released, phase, failures.canceller))
    return found


def _exception(exception: wire.ExceptionInfo, at_ns: int, phase: str, canceller: Attributes | None) -> Event:
    attributes: Attributes = {"exception.type": exception.type, "exception.message": exception.message}
    if not exception.message:
        del attributes["exception.message"]
    return Event("exception", at_ns, {**attributes, "tenure.phase": phase, **(canceller or {})})


def _canceller(exception: int, batch: wire.Batch) -> Attributes:
    """Who asked for what the exception of this number tells of; nothing where nobody did, or nobody knows."""
    entry = next((entry for entry in batch.cancellers if entry.exception == exception), None)
    if entry is None:
        return {}
    found: Attributes = {}
    if entry.task:
        task = batch.tasks[entry.task - 1]
        found["tenure.canceller.task.id"] = wire.public_id(batch.process.id, task.id)
        found["tenure.canceller.task.name"] = task.name
    if entry.via:
        found["tenure.canceller.via"] = entry.via
    if entry.site:
        site = batch.sites[entry.site - 1]
        found["tenure.canceller.site"] = f"{site.file}:{site.line}"
    return found
