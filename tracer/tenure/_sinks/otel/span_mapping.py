"""A row of a batch as the record that ``tenure.semconv`` reads, and the attributes and events of its span."""

from __future__ import annotations

from typing import NamedTuple

from opentelemetry.trace import SpanKind

from tenure import semconv, wire
from tenure.semconv import Attributes


class Event(NamedTuple):
    name: str
    at_ns: int
    attributes: Attributes


class Stamps(NamedTuple):
    """Wall time in ns, None where not reached; ``released_ns`` is when the lifecycle ended."""

    acquire_ns: int
    acquired_ns: int | None
    release_ns: int | None
    released_ns: int | None

    @classmethod
    def of(cls, row: wire.Row, acquire_ns: int) -> Stamps:
        acquired = acquire_ns + row.wait_ns if row.wait_ns != wire.NOT_REACHED else None
        release = (acquired or acquire_ns) + row.hold_ns if row.hold_ns != wire.NOT_REACHED else None
        latest = release or acquired or acquire_ns
        released = latest + row.release_ns if row.release_ns != wire.NOT_REACHED else None
        return cls(acquire_ns, acquired, release, released)

    @property
    def latest_ns(self) -> int:
        return self.released_ns or self.release_ns or self.acquired_ns or self.acquire_ns


class TaskRef(NamedTuple):
    id: str  # public
    name: str


class Canceller(NamedTuple):
    task: TaskRef | None
    via: str
    site: wire.Site | None


class RaisedException(NamedTuple):
    type: str
    message: str
    canceller: Canceller | None


class Failures(NamedTuple):
    """What left the body, and what acquire or release raised itself."""

    body: RaisedException | None = None
    raised: RaisedException | None = None

    @classmethod
    def of(cls, row: wire.Row, batch: wire.Batch) -> Failures:
        return cls(_raised_exception(row.body_exception, batch), _raised_exception(row.exception, batch))


class RareFacts(NamedTuple):
    """What few rows of a batch have, in tables beside them."""

    status: int | None = None
    released_by: TaskRef | None = None

    @classmethod
    def by_row(cls, batch: wire.Batch) -> dict[int, RareFacts]:
        """By the index of the row."""
        facts = {response.row: cls(response.status) for response in batch.responses}
        for release in batch.releases:
            task = task_ref(batch.process.id, batch.tasks[release.task])
            facts[release.row] = cls(facts.get(release.row, NO_RARE_FACTS).status, task)
        return facts


NO_RARE_FACTS = RareFacts()


class EndedLifecycle(NamedTuple):
    """A lifecycle that is over, in the form that ``tenure.semconv`` reads; ``phase`` is closed or abandoned."""

    phase: str
    acquire_ns: int
    acquired_ns: int | None
    release_ns: int | None
    released_ns: int | None
    acquire_outcome: str | None
    body_outcome: str | None
    release_outcome: str | None
    suppressed: bool
    body_exception: RaisedException | None
    raised: RaisedException | None
    status: int | None
    released_by: TaskRef | None
    parent: int | None
    internal: bool = False
    propagated: bool = False

    @classmethod
    def of(cls, row: wire.Row, stamps: Stamps, failures: Failures, phase: str, rare: RareFacts) -> EndedLifecycle:
        return cls(
            phase,
            *stamps,
            acquire_outcome=wire.OUTCOMES[row.outcomes & 3],
            body_outcome=wire.OUTCOMES[row.outcomes >> wire.BODY_SHIFT & 3],
            release_outcome=wire.OUTCOMES[row.outcomes >> wire.RELEASE_SHIFT & 3],
            suppressed=bool(row.outcomes & wire.SUPPRESSED),
            body_exception=failures.body,
            raised=failures.raised,
            status=rare.status,
            released_by=rare.released_by,
            parent=row.parent or None,
        )


def span_kind(site: wire.Site) -> SpanKind:
    return SpanKind.SERVER if semconv.is_request(site) else SpanKind.INTERNAL


def attributes_at_start(process: bytes, resource: wire.Resource, site: wire.Site, task: wire.Task) -> Attributes:
    """What is known from the beginning: resource, site and task."""
    return {
        **semconv.resource_attributes(resource, wire.public_id(process, resource.id)),
        **semconv.request_attributes(resource, site),
        **semconv.site_attributes(site),
        **semconv.task_attributes(task_ref(process, task), task.loop, task.thread),
    }


def attributes_at_end(lifecycle: EndedLifecycle) -> Attributes:
    """The length of each phase that is over, outcomes and, for an error, its type."""
    attributes: Attributes = {}
    if lifecycle.acquired_ns is not None:
        phase_start = lifecycle.acquire_ns
        for name, phase_end in (
            (semconv.WAIT_TIME, lifecycle.acquired_ns),
            (semconv.HOLD_TIME, lifecycle.release_ns),
            (semconv.RELEASE_TIME, lifecycle.released_ns),
        ):
            if phase_end is None:
                break
            attributes[name] = (phase_end - phase_start) / 1e9
            phase_start = phase_end
    return attributes | semconv.outcome_attributes(lifecycle) | semconv.release_attributes(lifecycle)


def events(lifecycle: EndedLifecycle) -> list[Event]:
    """In the order of the record: acquired, releasing, what left the body, what was raised beside it."""
    events = []
    if lifecycle.acquired_ns is not None:
        events.append(Event(semconv.ACQUIRED, lifecycle.acquired_ns, {}))
    if lifecycle.release_ns is not None:
        events.append(Event(semconv.RELEASING, lifecycle.release_ns, {}))
    return events + [Event(semconv.EXCEPTION, *event) for event in semconv.exception_events(lifecycle)]


def _raised_exception(number: int, batch: wire.Batch) -> RaisedException | None:
    """The exception of this number in the batch, with who asked for it where it is a cancellation."""
    if not number:
        return None
    info = batch.exceptions[number - 1]
    entry = next((entry for entry in batch.cancellers if entry.exception == number), None)
    canceller = None
    if entry is not None:
        task = task_ref(batch.process.id, batch.tasks[entry.task - 1]) if entry.task else None
        canceller = Canceller(task, entry.via, batch.sites[entry.site - 1] if entry.site else None)
    return RaisedException(info.type, info.message, canceller)


def task_ref(process: bytes, task: wire.Task) -> TaskRef:
    return TaskRef(wire.public_id(process, task.id), task.name)
