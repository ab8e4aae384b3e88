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

    WireError             the bytes are no batch this module reads
    └── UnknownVersion    they are a batch of a version this module does not know
"""

from __future__ import annotations

from typing import Literal

import msgspec

VERSION = 1
CONTENT_TYPE = "application/vnd.tenure.batch+msgpack"

# Limits that both sides know: the tracer cuts to them, the collector refuses what passes them.
MAX_ROWS = 20_000
MAX_TABLE = 20_000
MAX_STRING = 4_096
MAX_BODY = 16 * 1024 * 1024  # bytes, decompressed

# Outcome codes of a phase, two bits each in Row.outcomes. 0: the phase has not ended.
OUTCOMES: tuple[Literal["ok", "error", "cancelled"] | None, ...] = (None, "ok", "error", "cancelled")
OK, ERROR, CANCELLED = 1, 2, 3
BODY_SHIFT, RELEASE_SHIFT = 2, 4
SUPPRESSED = 1 << 6  # __aexit__ returned true, the body's exception ended there
RESENT = 1 << 7  # a snapshot of this lifecycle was shipped before
OUTCOME_BITS = 8

NOT_REACHED = -1  # for Row.wait_ns, hold_ns and release_ns


class Process(msgspec.Struct, frozen=True, array_like=True):
    """One running instrumented Python process; an OpenTelemetry Resource on export."""

    id: bytes  # 16 random bytes
    service: str
    host: str
    pid: int
    python: str  # "3.11.7"
    started_wall_ns: int


class Site(msgspec.Struct, frozen=True, array_like=True):
    """Where an ``async with`` stands, and by which calls the resource is taken and given back there."""

    file: str
    line: int
    function: str  # qualified name
    expression: str  # source text of the manager's expression, "" where unknown
    enter: str = "__aenter__"  # "acquire" where the program called pool.acquire()
    exit: str = "__aexit__"


class Resource(msgspec.Struct, frozen=True, array_like=True):
    """The thing that is held."""

    id: int
    kind: str  # qualified type name, "asyncio.locks.Lock"
    name: str  # "" where it has none
    capacity: int | None  # None: unlimited
    stereotype: str = "participant"  # Mermaid's participant type: participant, control, database, queue, ...


class Task(msgspec.Struct, frozen=True, array_like=True):
    """An asyncio task or, outside a task, a thread."""

    id: int
    name: str  # what a person reads: the name the program gave, else made from the coroutine ("main", "worker-3")
    coroutine: str  # qualified name, "" for a thread
    kind: Literal["task", "thread"]
    parent: int  # id of the task that created it
    created_in: int  # id of the innermost lifecycle that its creator was in
    created_ns: int | None  # None: it was there before tracing began
    finished_ns: int | None
    outcome: int = 0  # one of the outcome codes
    exception: int = 0  # number in Batch.exceptions


class ExceptionInfo(msgspec.Struct, frozen=True, array_like=True):
    """An exception's qualified type and scrubbed message."""

    type: str  # builtins without their module: "ValueError"
    message: str


class Trace(msgspec.Struct, frozen=True, array_like=True):
    """A root lifecycle and what is known of the trace beyond it."""

    root: int  # lifecycle id
    link: int = 0  # id of the lifecycle it would hang under, had that not been held for so long
    otel_trace_id: bytes | None = None  # 16 bytes, where the program had an active span
    otel_parent_id: bytes | None = None  # 8 bytes: that span


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One lifecycle: complete, or a snapshot of an open one.

    An acquire that failed has wait_ns and hold_ns NOT_REACHED, and release_ns counts from its acquire to its failure:
    ``released`` is when a lifecycle ended, however it ended.
    """

    id: int
    parent: int  # lifecycle id
    trace: int  # index
    task: int  # index
    resource: int  # index
    site: int  # index
    acquire_ns: int  # since the previous row's acquire (the first: since Batch.base_ns); may be negative
    wait_ns: int
    hold_ns: int
    release_ns: int
    outcomes: int  # acquire | body << BODY_SHIFT | release << RELEASE_SHIFT | SUPPRESSED | RESENT
    body_exception: int = 0  # number: what left the body
    exception: int = 0  # number: what acquire or release raised of its own


class Batch(msgspec.Struct, frozen=True):
    """What one POST carries. ``(process.id, sequence)`` makes it idempotent."""

    version: int
    process: Process
    sequence: int  # from 1
    clock_offset_ns: int
    base_ns: int
    sites: list[Site]
    resources: list[Resource]
    tasks: list[Task]
    traces: list[Trace]
    exceptions: list[ExceptionInfo]
    rows: list[Row]
    dropped: dict[str, int] = {}  # lifecycles lost since the process started, by reason
    final: bool = False  # the process says goodbye: what is open now was never released


class WireError(ValueError):
    """The bytes are no batch: malformed, of a wrong type, past a limit, or naming what they do not define."""


class UnknownVersion(WireError):
    """The batch has a version that this module does not read."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Batch)
_json_decoder = msgspec.json.Decoder(Batch)


class _Head(msgspec.Struct):
    version: int


def encode(batch: Batch) -> bytes:
    """The batch as MessagePack."""
    return _encoder.encode(batch)


def decode(data: bytes) -> Batch:
    """Read and check a batch from MessagePack.

    Raises:
        WireError: with the place, "Expected `int`, got `str` - at `$.rows[3][0]`".
        UnknownVersion: the version is not one this module reads.
    """
    return _checked(data, _decoder, msgspec.msgpack.Decoder(_Head))


def decode_json(data: bytes) -> Batch:
    """Read and check a batch from the JSON form that a recording holds; raises as ``decode`` does."""
    return _checked(data, _json_decoder, msgspec.json.Decoder(_Head))


def _checked(
    data: bytes,
    decoder: msgspec.msgpack.Decoder[Batch] | msgspec.json.Decoder[Batch],
    head: msgspec.msgpack.Decoder[_Head] | msgspec.json.Decoder[_Head],
) -> Batch:
    try:
        batch = decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _check_version(data, head)
        raise WireError(str(error) or type(error).__name__) from None
    if batch.version != VERSION:
        raise UnknownVersion(f"version {batch.version}, this side reads version {VERSION} - at `$.version`")
    _check_limits(batch)
    _check_references(batch)
    return batch


def _check_version(data: bytes, head: msgspec.msgpack.Decoder[_Head] | msgspec.json.Decoder[_Head]) -> None:
    """A batch of another version may have another shape: say the version, not the shape."""
    try:
        version = head.decode(data).version
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    if version != VERSION:
        raise UnknownVersion(f"version {version}, this side reads version {VERSION} - at `$.version`")


def _check_limits(batch: Batch) -> None:
    if len(batch.process.id) != 16:
        raise WireError(f"Expected 16 bytes, got {len(batch.process.id)} - at `$.process.id`")
    if len(batch.rows) > MAX_ROWS:
        raise WireError(f"Expected at most {MAX_ROWS} rows, got {len(batch.rows)} - at `$.rows`")
    for name in ("sites", "resources", "tasks", "traces", "exceptions", "dropped"):
        if (length := len(getattr(batch, name))) > MAX_TABLE:
            raise WireError(f"Expected at most {MAX_TABLE} entries, got {length} - at `$.{name}`")
    _check_strings("process", [batch.process.service, batch.process.host, batch.process.python])
    for i, site in enumerate(batch.sites):
        _check_strings(f"sites[{i}]", [site.file, site.function, site.expression, site.enter, site.exit])
    for i, resource in enumerate(batch.resources):
        _check_strings(f"resources[{i}]", [resource.kind, resource.name, resource.stereotype])
    for i, task in enumerate(batch.tasks):
        _check_strings(f"tasks[{i}]", [task.name, task.coroutine])
    for i, exception in enumerate(batch.exceptions):
        _check_strings(f"exceptions[{i}]", [exception.type, exception.message])
    _check_strings("dropped", list(batch.dropped))


def _check_strings(where: str, strings: list[str]) -> None:
    for string in strings:
        if len(string) > MAX_STRING:
            raise WireError(f"Expected at most {MAX_STRING} characters, got {len(string)} - at `$.{where}`")


def _check_references(batch: Batch) -> None:
    sites, resources, tasks = len(batch.sites), len(batch.resources), len(batch.tasks)
    traces, exceptions = len(batch.traces), len(batch.exceptions)
    for i, row in enumerate(batch.rows):
        if not (
            0 <= row.site < sites
            and 0 <= row.resource < resources
            and 0 <= row.task < tasks
            and 0 <= row.trace < traces
            and 0 <= row.body_exception <= exceptions
            and 0 <= row.exception <= exceptions
            and 0 < row.id < 1 << 40
            and 0 <= row.parent < 1 << 40
            and 0 <= row.outcomes < 1 << OUTCOME_BITS
            and -1 <= row.wait_ns < 1 << 62
            and -1 <= row.hold_ns < 1 << 62
            and -1 <= row.release_ns < 1 << 62
            and -(1 << 62) < row.acquire_ns < 1 << 62
        ):
            raise WireError(f"a number is out of range or names no entry of its table - at `$.rows[{i}]`")
    for i, task in enumerate(batch.tasks):
        if not (0 <= task.exception <= exceptions and 0 <= task.outcome <= CANCELLED and 0 < task.id < 1 << 40):
            raise WireError(f"a number is out of range or names no entry of its table - at `$.tasks[{i}]`")
    for i, trace in enumerate(batch.traces):
        ids = (trace.otel_trace_id, 16), (trace.otel_parent_id, 8)
        if any(value is not None and len(value) != length for value, length in ids):
            raise WireError(f"an OpenTelemetry id has a wrong length - at `$.traces[{i}]`")


# Ids outside the process. A multiplication by an odd number is a bijection modulo a power of two: within one process no
# two lifecycles share an id, and processes start from random numbers.
_ODD = 0x9E3779B97F4A7C15
_MASK_64, _MASK_128 = (1 << 64) - 1, (1 << 128) - 1


def span_id(process_id: bytes, lifecycle: int) -> str:
    """The OpenTelemetry span id of a lifecycle: 16 hex digits, never all zero."""
    value = (int.from_bytes(process_id[8:], "big") + lifecycle * _ODD) & _MASK_64
    return f"{value or _ODD:016x}"


def trace_id(process_id: bytes, root: int) -> str:
    """The trace id of a root lifecycle where the program had no active span: 32 hex digits, never all zero."""
    value = (int.from_bytes(process_id, "big") + root * (_ODD << 64 | _ODD)) & _MASK_128
    return f"{value or _ODD:032x}"


def public_id(process_id: bytes, number: int) -> str:
    """The id by which a lifecycle, a task or a resource is known outside its process."""
    return f"{process_id.hex()}-{number}"
