"""The records of the store: the shapes of the API's JSON, and the input of every diagram.

Every field whose name ends in ``_ns`` is an integer in nanoseconds. An instant is wall-clock time since the Unix epoch.
Ids are text: a process is 32 hex digits, a trace is 32 hex digits, and a lifecycle, a task or a resource is the id of
its process, a hyphen and a number.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Outcome = Literal["ok", "error", "cancelled"]
Phase = Literal["acquiring", "held", "releasing", "closed", "abandoned"]

OPEN_PHASES: tuple[Phase, ...] = ("acquiring", "held", "releasing")


class TaskRef(msgspec.Struct, frozen=True):
    """The id and the name of a task."""

    id: str
    name: str


class ResourceRef(msgspec.Struct, frozen=True):
    """The facts about a resource that each of its lifecycles carries.

    ``kind`` is the qualified name of its type. ``name`` is empty for a resource without a name. ``capacity`` is how
    many lifecycles can hold it at once; null: no limit is known. ``stereotype`` is the participant's form in UML:
    "participant", "control", "database" or "queue".
    """

    id: str
    kind: str
    name: str
    capacity: int | None
    stereotype: str = "participant"


class Site(msgspec.Struct, frozen=True):
    """The place in the code where a lifecycle begins.

    ``line`` 0 and empty texts: not known. ``expression`` is the source text of the context manager. ``enter`` and
    ``exit`` are the names of the calls that acquire and release; the ``exit`` of a span is empty.
    """

    file: str
    line: int
    function: str
    expression: str
    enter: str = "__aenter__"
    exit: str = "__aexit__"


class Canceller(msgspec.Struct, frozen=True):
    """What requested a cancellation, as far as it is known.

    ``task`` requested it, or failed, so that its task group requested it; null: not known. ``via`` names the cause, for
    example "TaskGroup", "timeout 0.5 s", "end of asyncio.run" or "SIGINT"; empty: the task called cancel() itself.
    ``site`` is where the request was made, where the timeout was set, or where the task failed; null: not known.
    """

    task: TaskRef | None
    via: str
    site: Site | None


class ExceptionInfo(msgspec.Struct, frozen=True):
    """An exception, without its traceback.

    ``canceller``: of a cancellation, or of the exception that a timeout raised for one; null: not known, or no
    cancellation. The message of an exception group ends with what is in it: "many (3 sub-exceptions): ValueError: bad,
    2 KeyError".
    """

    type: str
    message: str
    canceller: Canceller | None = None


class HeldAround(msgspec.Struct, frozen=True):
    """The lifecycle around a root, by id, with its trace. It was held for so long that the root began its own trace."""

    lifecycle: str
    trace: str


class Lifecycle(msgspec.Struct, frozen=True):
    """One use of one resource by one task: from enter to exit.

    ``acquire_ns`` is when the acquire began, ``acquired_ns`` when it ended, ``release_ns`` when the release began,
    ``released_ns`` when it ended; null: not reached. An acquire that failed has ``released_ns``, the instant at which
    it failed, and neither ``acquired_ns`` nor ``release_ns``. An outcome is null until its phase has ended.

    ``phase`` "abandoned": the process died while the lifecycle was open. ``suppressed``: the exit suppressed the
    exception of the body. ``parent`` is the lifecycle around this one; null: this is a root.

    ``body_exception`` left the body, ``raised`` was raised by the acquire or the release, and ``exception`` is
    ``raised`` or, without it, ``body_exception``. ``otel_parent`` is the parent span of a root, 16 hex digits, even if
    no such span is stored. ``held_around``: only of a root that began a trace within a lifecycle that is held long.
    ``status`` is the HTTP status of the response to a request; null: not known, or no request. ``internal``: a library
    or framework entered it for its own ends. ``propagated``: ``body_exception`` had left an inner lifecycle of the
    trace, where it counts as an error. ``released_by`` is the task that released it; null: ``task`` did.
    ``loop`` is the number of the event loop in its process, ``thread`` the name of the thread in which ``task`` began;
    null: not known.
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
    status: int | None = None
    internal: bool = False
    propagated: bool = False
    released_by: TaskRef | None = None
    loop: int | None = None
    thread: str | None = None


class Task(msgspec.Struct, frozen=True):
    """An asyncio task, or a thread outside of tasks.

    ``parent`` is the task that created it, ``created_in`` the lifecycle in which that task was; null: none, or not
    known. ``finished_ns`` and ``outcome`` are null while it runs.
    """

    id: str
    process: str
    name: str
    coroutine: str
    kind: Literal["task", "thread"]
    parent: str | None
    created_in: str | None
    created_ns: int | None
    finished_ns: int | None
    outcome: Outcome | None
    exception: ExceptionInfo | None


class Percentiles(msgspec.Struct, frozen=True):
    """Durations in milliseconds, also of what goes on, with its time so far; null: nothing was measured yet."""

    p50: float | None
    p95: float | None
    p99: float | None


class Use(msgspec.Struct, frozen=True):
    """A lifecycle that holds a resource or waits for it. ``since_ns`` is when the hold or the wait began."""

    lifecycle: str
    task: TaskRef
    site: Site
    since_ns: int


class Resource(msgspec.Struct, frozen=True):
    """A resource with its counts, its holders and its waiters.

    ``acquiring``, ``held`` and ``releasing`` count the lifecycles that are in this phase now, in a living process;
    ``total`` counts all lifecycles so far, and ``failed`` those with a phase that ended in an error. ``holders`` and
    ``waiters`` are in the order in which they acquired it or asked for it, at most 500 each. ``capacity`` and
    ``stereotype``: as in ResourceRef.
    """

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
    """The lifecycles that belong together: a request, or a root and what it encloses.

    ``name`` is that of its root. ``services`` are those of the processes that take part, the first one first.
    ``end_ns`` is null while one of its lifecycles is open. ``open`` counts the open lifecycles, ``errors`` those with a
    phase that ended in an error. ``status`` is that of its root, the HTTP status of the response; null: not known, or
    the root is no request.
    """

    id: str
    name: str
    services: list[str]
    start_ns: int
    end_ns: int | None
    lifecycles: int
    open: int
    errors: int
    status: int | None = None


class Process(msgspec.Struct, frozen=True):
    """A process that has sent lifecycles or spans.

    ``name`` is what every view calls it: "shop #28277", of service and pid.
    ``last_seen_ns`` is when its last batch arrived, by the collector's clock; ``started_ns`` is by its own clock.
    ``alive``: it sent a batch in the last 10 s and has not ended. ``dropped`` counts the lifecycles that its tracer
    lost, by reason. ``clock_skew_ms`` is how far its clock is ahead of the collector's; negative: its clock is behind,
    or its batches arrive late.
    """

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
    name: str = ""
