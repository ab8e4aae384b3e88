"""The batch: what a tracer ships and a collector reads.

This module is a leaf. Both sides import it, and it imports neither of them. One batch is self-contained: its tables
define every site, resource, task, trace and exception that its rows name, so any collector behind a load balancer can
read it alone.

Conventions
    *_ns          integer nanoseconds; "monotonic" unless the name says wall
    index         position in one of the batch's own tables, from 0
    number        position in a table, from 1; 0 means "none"
    id            sequence number handed out once in its process, from 1; 0 means "none"

Time on the wire is monotonic; ``Batch.clock_offset_ns`` added to it gives wall time (ns since the Unix epoch).

    WireError             the bytes are not a batch that this module can read
    └── UnknownVersion    they are a batch of a version that this module does not know
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from operator import attrgetter
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tenure import wire_constants

VERSION = 1
CONTENT_TYPE = wire_constants.CONTENT_TYPE

# Limits that both sides know: the tracer stays within them, the collector refuses a batch beyond them.
MAX_ROWS = 20_000
MAX_TABLE = 20_000
MAX_STRING, MAX_CREATED = wire_constants.MAX_STRING, wire_constants.MAX_CREATED
MAX_POOLS = 2_000
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


class Batch(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of one POST. ``(process.id, sequence)`` makes it idempotent. Fields with a default may be missing."""

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


class WireError(ValueError):
    """The bytes are not a valid batch: malformed, a wrong type, beyond a limit, or a reference to a missing entry."""


class UnknownVersion(WireError):
    """The batch has a version that this module does not read."""


class _VersionOnly(msgspec.Struct):
    version: int


_encoder = msgspec.msgpack.Encoder()
_read, _read_version = msgspec.msgpack.Decoder(Batch).decode, msgspec.msgpack.Decoder(_VersionOnly).decode
_read_json, _read_json_version = msgspec.json.Decoder(Batch).decode, msgspec.json.Decoder(_VersionOnly).decode


def encode(batch: Batch) -> bytes:
    """Encode a batch as MessagePack."""
    return _encoder.encode(batch)


def decode(data: bytes) -> Batch:
    """Read and check a batch from MessagePack.

    Raises:
        WireError: names the place, "Expected `int`, got `str` - at `$.rows[3][0]`".
        UnknownVersion: this module does not read the batch's version.
    """
    return _decode(data, _read, _read_version)


def decode_json(data: bytes) -> Batch:
    """Read and check a batch from the JSON form that a recording holds; raises as ``decode`` does."""
    return _decode(data, _read_json, _read_json_version)


def _decode(data: bytes, read: Callable[[bytes], Batch], read_version: Callable[[bytes], _VersionOnly]) -> Batch:
    try:
        batch = read(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _check_version(data, read_version)
        problem = str(error) or type(error).__name__
        raise WireError(problem if " at `$" in problem else f"{problem} - at `$`, in {len(data)} bytes") from None
    if batch.version != VERSION:
        raise UnknownVersion(f"version {batch.version}, this side reads version {VERSION} - at `$.version`")
    _check_references(batch)
    _check_times(batch)
    return batch


def _check_version(data: bytes, read_version: Callable[[bytes], _VersionOnly]) -> None:
    """Report another version as such: a batch of another version may have another shape."""
    try:
        version = read_version(data).version
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    if version != VERSION:
        raise UnknownVersion(f"version {version}, this side reads version {VERSION} - at `$.version`")


# The references of a batch: from which table, attribute, its position in the array, to which table, and the number of
# that table's first entry.
_REFERENCES: tuple[tuple[str, str, int, str, int], ...] = (
    ("rows", "trace", 2, "traces", 0),
    ("rows", "task", 3, "tasks", 0),
    ("rows", "resource", 4, "resources", 0),
    ("rows", "site", 5, "sites", 0),
    ("rows", "body_exception", 11, "exceptions", 1),
    ("rows", "exception", 12, "exceptions", 1),
    ("pools", "resource", 0, "resources", 0),
    ("responses", "row", 0, "rows", 0),
    ("tasks", "exception", 9, "exceptions", 1),
    ("cancellers", "exception", 0, "exceptions", 1),
    ("cancellers", "task", 1, "tasks", 1),
    ("cancellers", "site", 3, "sites", 1),
)
_getters: list[Callable[[object], int]] = [attrgetter(name) for _, name, *_ in _REFERENCES]


def _check_references(batch: Batch) -> None:
    for get, (owner, _, position, table, first) in zip(_getters, _REFERENCES, strict=True):
        entries: list[object] = getattr(batch, owner)
        last = len(getattr(batch, table)) - 1 + first
        if entries and max(map(get, entries)) > last:
            i = next(i for i, entry in enumerate(entries) if get(entry) > last)
            raise WireError(f"{get(entries[i])} names no entry of `{table}` - at `$.{owner}[{i}][{position}]`")


def _check_times(batch: Batch) -> None:
    """Wall times stay below half the range of a signed 64-bit integer, so that adding durations cannot overflow."""
    acquired = accumulate((row.acquire_ns for row in batch.rows), initial=batch.base_ns + batch.clock_offset_ns)
    for i, wall_ns in enumerate(acquired, -1):
        if not 0 <= wall_ns < 1 << 62 and i >= 0:
            raise WireError(f"wall time {wall_ns} ns is out of range - at `$.rows[{i}][6]`")


# Ids outside the process. A multiplication by an odd number is a bijection modulo a power of two, so no two lifecycles
# of one process share an id. Processes start from random numbers.
_ODD = SPAN_STEP = 0x9E3779B97F4A7C15  # the difference between the span ids of consecutive lifecycles
_MASK_64, _MASK_128 = (1 << 64) - 1, (1 << 128) - 1


def span_id(process_id: bytes, lifecycle: int) -> str:
    """Make the OpenTelemetry span id of a lifecycle: 16 hex digits, never all zero."""
    value = (int.from_bytes(process_id[8:], "big") + lifecycle * _ODD) & _MASK_64
    return f"{value or _ODD:016x}"


def trace_id(process_id: bytes, root: int) -> str:
    """Make the trace id of a root lifecycle if the program had no active span: 32 hex digits, never all zero."""
    value = (int.from_bytes(process_id, "big") + root * (_ODD << 64 | _ODD)) & _MASK_128
    return f"{value or _ODD:032x}"


def public_id(process_id: bytes, number: int) -> str:
    """Make the id of a lifecycle, a task or a resource that is unique outside its process."""
    return f"{process_id.hex()}-{number}"
