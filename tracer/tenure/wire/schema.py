"""The shapes of a batch, and the limits that both sides know.

Every table of a ``Batch`` is a list of one of these structs. ``tenure.wire`` says what indexes, numbers and ids are.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tenure import wire_constants

VERSION, VERSION_2 = 1, 2  # with rows; with columns in their place
CONTENT_TYPE = wire_constants.CONTENT_TYPE

# Limits that both sides know: the tracer stays within them, the collector refuses a batch beyond them.
MAX_ROWS = 20_000
MAX_TABLE = 20_000
MAX_STRING, MAX_CREATED = wire_constants.MAX_STRING, wire_constants.MAX_CREATED
MAX_POOLS = 2_000
MAX_STALLS = 1_000
MAX_STACK = 64  # lines of one stack
MAX_BODY = 16 * 1024 * 1024  # bytes, decompressed

# Outcome codes of a phase, two bits each in Row.outcomes. 0: the phase has not ended.
OUTCOMES: tuple[Literal["ok", "error", "cancelled"] | None, ...] = (None, "ok", "error", "cancelled")
OK, ERROR, CANCELLED = wire_constants.OK, wire_constants.ERROR, wire_constants.CANCELLED
BODY_SHIFT, RELEASE_SHIFT = 2, 4
SUPPRESSED = 1 << 6  # __aexit__ returned true, which suppressed the body's exception
RESENT = 1 << 7  # a snapshot of this lifecycle was shipped before
OUTCOME_BITS = 8

NOT_REACHED = -1  # for Row.wait_ns, hold_ns and release_ns

# The values that a reader accepts in a field. They are checked while decoding, so that an error names the field.
Text = Annotated[str, Meta(max_length=MAX_STRING)]
Id = Annotated[int, Meta(gt=0, lt=1 << 40)]
IdOrNone = Annotated[int, Meta(ge=0, lt=1 << 40)]
Index = Annotated[int, Meta(ge=0)]  # that its table has this entry is checked after decoding
Count = Annotated[int, Meta(ge=0, lt=1 << 62)]
Instant = Annotated[int, Meta(gt=-(1 << 62), lt=1 << 62)]
Duration = Annotated[int, Meta(ge=NOT_REACHED, lt=1 << 57)]
ElapsedTime = Annotated[int, Meta(ge=0, lt=1 << 57)]  # a duration that is over
OutcomeBits = Annotated[int, Meta(ge=0, lt=1 << OUTCOME_BITS)]


class Process(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One running instrumented Python process; an OpenTelemetry Resource on export."""

    id: Annotated[bytes, Meta(min_length=16, max_length=16)]  # random
    service: Text
    host: Text
    pid: Count
    python: Text  # "3.11.7"
    started_wall_ns: Instant


class Site(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where an ``async with`` stands, and the calls that acquire and release the resource there."""

    file: Text
    line: Count
    function: Text  # qualified name
    expression: Text  # source text of the manager's expression, "" where unknown
    enter: Text = "__aenter__"  # "acquire" where the program called pool.acquire()
    exit: Text = "__aexit__"
    internal: bool = False  # a library or framework enters there for its own ends


class Resource(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An object that lifecycles hold, or one place in the program where objects for a single use are made."""

    id: Id
    kind: Text  # qualified type name, "asyncio.locks.Lock"
    name: Text  # "" where it has none
    capacity: Count | None  # None: unlimited
    stereotype: Text = "participant"  # Mermaid's participant type: participant, control, database, queue, ...


class Pool(msgspec.Struct, frozen=True, array_like=True):
    """The connections of a pool as its own library counts them, at the instant of the batch."""

    resource: Index
    idle: Count  # connections that are open and not in use; 0 of a pool that is gone
    idle_max: Count | None = None  # the largest number of idle connections; None if unknown
    created_ns: Annotated[list[ElapsedTime], Meta(max_length=MAX_CREATED)] = []  # how long creating the newest took
    gone: bool = False  # the program has dropped the pool


class Task(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An asyncio task or, outside a task, a thread."""

    id: Id
    name: Text  # for people: the name that the program gave, else derived from the coroutine ("main", "worker-3")
    coroutine: Text  # qualified name, "" for a thread
    kind: Literal["task", "thread"]
    parent: IdOrNone  # the task that created it
    created_in: IdOrNone  # the innermost open lifecycle of its creator
    created_ns: Instant | None  # None: it existed before tracing began
    finished_ns: Instant | None
    outcome: Annotated[int, Meta(ge=0, le=CANCELLED)] = 0  # one of the outcome codes
    exception: Index = 0  # number in Batch.exceptions
    loop: IdOrNone = 0  # number of its event loop in its process
    thread: Text = ""  # name of the thread in which it was first seen


class ExceptionInfo(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An exception's qualified type and scrubbed message."""

    type: Text  # builtins without their module: "ValueError"
    message: Text


class Canceller(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Who requested the cancellation that one of the batch's exceptions reports."""

    exception: Annotated[int, Meta(gt=0)]  # number
    task: Index  # number: the task that called cancel(), or whose failure made its task group cancel
    via: Text  # the mechanism: "TaskGroup", "timeout 0.5 s", "end of asyncio.run", "SIGINT"; "": a direct cancel()
    site: Index  # number: where cancel() was called, where the timeout was made, or where the task failed


class Trace(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A root lifecycle, and what its trace is linked to."""

    root: Id  # lifecycle
    link: IdOrNone = 0  # the lifecycle that would be the parent, if it had not been held for so long
    otel_trace_id: Annotated[bytes, Meta(min_length=16, max_length=16)] | None = None  # of the program's active span
    otel_parent_id: Annotated[bytes, Meta(min_length=8, max_length=8)] | None = None  # the active span itself


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One lifecycle: complete, or a snapshot of an open one.

    An acquire that failed has wait_ns and hold_ns NOT_REACHED, and release_ns counts from the acquire to the failure:
    ``released`` is the time at which a lifecycle ended, for whatever reason.
    """

    id: Id
    parent: IdOrNone  # lifecycle
    trace: Index
    task: Index
    resource: Index
    site: Index
    acquire_ns: Annotated[int, Meta(gt=-(1 << 57), lt=1 << 57)]  # since the previous row's acquire (the first: base_ns)
    wait_ns: Duration
    hold_ns: Duration
    release_ns: Duration
    outcomes: OutcomeBits  # acquire | body << BODY_SHIFT | release << RELEASE_SHIFT | SUPPRESSED | RESENT
    body_exception: Index = 0  # number: what left the body
    exception: Index = 0  # number: what acquire or release raised itself


class Response(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The HTTP status of the response to a request. An older reader ignores the table, and only requests pay for it."""

    row: Index  # the request
    status: Annotated[int, Meta(ge=100, lt=1000)]


class Release(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A lifecycle that was released by another task than the one that acquired it."""

    row: Index
    task: Index  # the task that released it


class Await(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an unfinished task awaits now. Each one replaces what the collector knew of its task."""

    task: Index
    since_ns: Instant  # monotonic
    awaited: Text  # "Queue.join", "sleep 3 s"; "": it awaits nothing any more
    site: Index = 0  # number: the innermost line of the program's own, and its expression
    resource: Index = 0  # number: what it waits for, where that is a known resource


class Stall(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event loop that stood still. The same loop and ``begin_ns`` are the same stall, which goes on."""

    loop: Id  # number of the event loop in its process
    thread: Text  # name of its thread
    begin_ns: Instant  # monotonic
    duration_ns: ElapsedTime  # so far
    is_over: bool
    task: Index = 0  # number: the task that ran
    site: Index = 0  # number: the innermost line of the program's own
    stack: Annotated[list[Text], Meta(max_length=MAX_STACK)] = []  # innermost line first: "handler (app.py:12)"


class Batch(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of one POST. ``(process.id, sequence)`` makes it idempotent. Fields with a default may be missing.

    ``rows`` and ``traces`` of one that was read from version 2 are made of its columns at first use.

    ``propagated`` are the rows whose body's exception had left an inner lifecycle of the trace: it counts there.
    """

    version: int
    process: Process
    sequence: Annotated[int, Meta(gt=0, lt=1 << 62)]
    clock_offset_ns: Instant
    base_ns: Instant
    sites: Annotated[list[Site], Meta(max_length=MAX_TABLE)]
    resources: Annotated[list[Resource], Meta(max_length=MAX_TABLE)]
    tasks: Annotated[list[Task], Meta(max_length=MAX_TABLE)]
    traces: Annotated[list[Trace], Meta(max_length=MAX_TABLE)]
    exceptions: Annotated[list[ExceptionInfo], Meta(max_length=MAX_TABLE)]
    rows: Annotated[list[Row], Meta(max_length=MAX_ROWS)]
    dropped: Annotated[dict[Text, Count], Meta(max_length=MAX_TABLE)] = {}  # lifecycles lost so far, by reason
    final: bool = False  # the last batch of the process: lifecycles that are open now were never released
    cancellers: Annotated[list[Canceller], Meta(max_length=MAX_TABLE)] = []
    pools: Annotated[list[Pool], Meta(max_length=MAX_POOLS)] = []
    responses: Annotated[list[Response], Meta(max_length=MAX_ROWS)] = []
    releases: Annotated[list[Release], Meta(max_length=MAX_ROWS)] = []
    awaits: Annotated[list[Await], Meta(max_length=MAX_TABLE)] = []
    stalls: Annotated[list[Stall], Meta(max_length=MAX_STALLS)] = []
    propagated: Annotated[list[Index], Meta(max_length=MAX_ROWS)] = []
