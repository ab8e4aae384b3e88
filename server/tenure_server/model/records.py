"""What the store holds, as plain data: the shapes of the API's JSON and the input of every diagram.

Times are wall clock, integer nanoseconds since the Unix epoch, ``None`` where not reached.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Outcome = Literal["ok", "error", "cancelled"]
Phase = Literal["acquiring", "held", "releasing", "closed", "abandoned"]

OPEN_PHASES: tuple[Phase, ...] = ("acquiring", "held", "releasing")


class TaskRef(msgspec.Struct, frozen=True):
    id: str
    name: str


class ResourceRef(msgspec.Struct, frozen=True):
    id: str
    kind: str
    name: str
    capacity: int | None
    stereotype: str = "participant"


class Site(msgspec.Struct, frozen=True):
    file: str
    line: int
    function: str
    expression: str
    enter: str = "__aenter__"
    exit: str = "__aexit__"


class Canceller(msgspec.Struct, frozen=True):
    """Who asked for a cancellation: as much of it as is known."""

    task: TaskRef | None  # that asked, or that failed, which made its task group ask
    via: str  # on whose behalf: "TaskGroup", "timeout 0.5 s", "end of asyncio.run", "SIGINT"; "": its own
    site: Site | None  # where that was called, made, or where the task failed


class ExceptionInfo(msgspec.Struct, frozen=True):
    type: str
    message: str
    canceller: Canceller | None = None  # of a cancellation; None: nobody knows


class HeldAround(msgspec.Struct, frozen=True):
    """The lifecycle that was held around a root for so long that the root began a trace of its own."""

    lifecycle: str
    trace: str


class Lifecycle(msgspec.Struct, frozen=True):
    """One use of one resource by one task: enter to exit.

    ``released_ns`` is when it ended, also for an acquire that failed (its ``acquired_ns`` and ``release_ns`` are None).
    ``body_exception`` left the body; ``raised`` is what acquire or release raised of its own; ``exception`` is the one
    that a reader wants first: ``raised``, else ``body_exception``. Of a root, ``otel_parent`` is the OpenTelemetry span
    that it hangs under (16 hex digits), whether or not that span is known here.
    """

    id: str
    process: str
    service: str
    trace: str
    parent: str | None
    phase: Phase
    suppressed: bool
    task: TaskRef
    resource: ResourceRef
    site: Site
    acquire_ns: int
    acquired_ns: int | None
    release_ns: int | None
    released_ns: int | None
    acquire_outcome: Outcome | None
    body_outcome: Outcome | None
    release_outcome: Outcome | None
    exception: ExceptionInfo | None
    body_exception: ExceptionInfo | None = None
    raised: ExceptionInfo | None = None
    otel_parent: str | None = None
    held_around: HeldAround | None = None


class Task(msgspec.Struct, frozen=True):
    """An asyncio task, or a thread outside any task."""

    id: str
    process: str
    name: str
    coroutine: str
    kind: Literal["task", "thread"]
    parent: str | None  # the task that created it
    created_in: str | None  # the lifecycle its creator was in
    created_ns: int | None
    finished_ns: int | None
    outcome: Outcome | None
    exception: ExceptionInfo | None


class Percentiles(msgspec.Struct, frozen=True):
    """Milliseconds; None where nothing was measured yet."""

    p50: float | None
    p95: float | None
    p99: float | None


class Use(msgspec.Struct, frozen=True):
    """Somebody who holds a resource or waits for it, since ``since_ns``."""

    lifecycle: str
    task: TaskRef
    site: Site
    since_ns: int


class Resource(msgspec.Struct, frozen=True):
    """A resource with who holds it and who waits for it; waiters in the order they came."""

    id: str
    process: str
    kind: str
    name: str
    capacity: int | None
    stereotype: str
    acquiring: int
    held: int
    releasing: int
    failed: int
    total: int
    holders: list[Use]
    waiters: list[Use]
    wait_ms: Percentiles
    hold_ms: Percentiles


class Trace(msgspec.Struct, frozen=True):
    id: str
    name: str
    services: list[str]
    start_ns: int
    end_ns: int | None  # None while a lifecycle of it is open
    lifecycles: int
    open: int
    errors: int


class Process(msgspec.Struct, frozen=True):
    """``clock_skew_ms``: how far its clock is ahead of the collector's; negative: behind, or what it sends is late."""

    id: str
    service: str
    host: str
    pid: int
    python: str
    started_ns: int
    last_seen_ns: int
    alive: bool
    dropped: dict[str, int]
    clock_skew_ms: int = 0
