"""What the collector asks of a store.

Every backend passes one contract suite: the tests in tests/server/store/test_*.py that take the fixture ``store``.

Lists are newest first. A cursor is opaque: it is handed out by a list and understood by the same list only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Generic, Literal, Protocol, TypeVar

import msgspec

from tenure import wire
from tenure_server.model.diagram_input import DiagramInput
from tenure_server.model.lens import Lens
from tenure_server.model.records import Lifecycle, Outcome, Phase, Process, Resource, Trace
from tenure_server.store.histogram import Spread

Item = TypeVar("Item")


class Listing(msgspec.Struct, Generic[Item], frozen=True):
    """A piece of a list. ``cursor`` asks for what follows; None: nothing does."""

    items: list[Item]
    cursor: str | None = None


class Paging(msgspec.Struct, frozen=True):
    limit: int = 100
    cursor: str | None = None


class LifecycleQuery(msgspec.Struct, frozen=True):
    """All conditions hold at once. The window is of acquire_ns: since_ns <= acquire_ns < until_ns.

    A wait or a hold that is still going on counts as long as it has lasted so far.
    """

    id: str | None = None
    process: str | None = None
    resource: str | None = None
    task: str | None = None
    trace: str | None = None
    phase: Phase | None = None
    outcome: Outcome | None = None  # of any of its phases; "ok": it is closed and none went otherwise
    min_wait_ns: int | None = None
    min_hold_ns: int | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    paging: Paging = Paging()


class ResourceQuery(msgspec.Struct, frozen=True):
    """``open``: true, only those that somebody holds or waits for; false, only the others. ``order``: see Store."""

    process: str | None = None
    kind: str | None = None
    open: bool | None = None
    order: Literal["newest", "used"] = "newest"
    paging: Paging = Paging()


class TraceQuery(msgspec.Struct, frozen=True):
    """The window is of start_ns."""

    process: str | None = None
    service: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    paging: Paging = Paging()


class ClosedLifecycle(msgspec.Struct, frozen=True):
    """A lifecycle that closed, or that its dead process left open."""

    lifecycle: Lifecycle
    ended_ns: int  # released, or the last that was heard of the process


class ClosedLifecycles(msgspec.Struct, frozen=True):
    """What a follower has not acknowledged, in the order in which it ended.

    ``processes``, by id, are theirs; ``context`` as in a Scene; ``position`` is the store's own note of how far they
    go; ``expired`` more had been deleted before they were read.
    """

    items: list[ClosedLifecycle]
    processes: Mapping[str, Process]
    context: list[Lifecycle]
    position: int
    expired: int


class Backlog(msgspec.Struct, frozen=True):
    """What a follower has not acknowledged: how many lifecycles, and since when the first of them waits.

    ``expired`` is how many were deleted, by the retention, before it got them, since it began to follow.
    """

    lifecycles: int
    since_ns: int | None
    expired: int


class Place(msgspec.Struct, frozen=True):
    """Where another process can read the store, and what it must know to judge which of its processes live."""

    path: bytes  # absolute; a file's name need not be text
    listening_since_ns: int  # the collector's clock
    doubt_from_ns: int  # who was heard of since then may have been alive when the collector began to listen


class Measured(msgspec.Struct, frozen=True):
    """A living process's resources of one kind and name, in numbers; or all those past MAX_SERIES of such.

    Durations count what was acquired (``waits``), called the release (``holds``) and was released (``releases``) since
    the process began; ``creates`` are of a pool's connections. ``missed`` acquires ended without it, ``timeouts`` of
    them by a timeout. ``waiting`` lifecycles have not acquired it now, ``open`` hold it or are giving it back.
    ``idle`` connections are open and not in use; None where no library tells. ``capacity`` and ``idle_max`` are
    all the resources' together; None where one has none.
    """

    process: Process
    kind: str
    name: str
    is_pool: bool  # of a database's connections
    is_overflow: bool  # no single kind and name
    waits: Spread
    holds: Spread
    releases: Spread
    creates: Spread
    missed: int
    timeouts: int
    capacity: int | None = None
    waiting: int = 0
    open: int = 0
    idle: int | None = None
    idle_max: int | None = None


# A span as a lifecycle that is closed: number, id, parent, trace, task, resource, site, acquire_ns (wall time),
# wait_ns, hold_ns, release_ns, outcomes, body_exception, exception.
#
# ``id`` and ``parent``, signed 64-bit integers, are OpenTelemetry's (0: no parent); a parent may be in any process.
# ``number`` is where the store begins to look for the lifecycle's: the span itself, if it is there already, else the
# first that is free. ``task`` is of the Spans' own; all others are as in ``wire.Row``.
SpanRow = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int, int]


class SpanTask(msgspec.Struct, gc=False):
    """What one process, or one thread of it, did in one trace. The store finds it again by these and its name.

    One that has a ``number`` is a task of Tenure's own, whatever its traces.
    """

    number: int
    trace: int  # as in ``wire.Row``
    name: str
    coroutine: str
    kind: str
    start_ns: int  # of the first of its spans to begin
    end_ns: int  # of the last to end


class Spans(msgspec.Struct, frozen=True):
    """Spans of one process of any service.

    ``batch`` has their tables, but no tasks and no rows. ``origin`` is the tracer's process whose lifecycles these were
    before they were spans, where that is so: of those that are stored, nothing is stored again. ``waited`` are the
    resources, by number, whose spans tell how long they waited; nobody can tell that of others.
    """

    batch: wire.Batch
    tasks: list[SpanTask]
    rows: list[SpanRow]
    origin: bytes | None = None
    waited: frozenset[int] = frozenset()


class Totals(msgspec.Struct, frozen=True):
    """What a store has done since it was opened, and how it does now."""

    batches: int  # written
    repeated: int  # had been written before, ignored
    lifecycles: int  # new ones
    queued_batches: int
    queued_rows: int
    dropped: Mapping[str, int] = {}  # lifecycles that tracers lost, by reason


class Store(Protocol):
    """Keeps lifecycles. All methods raise StoreFailed where the medium fails, BadParameter for a cursor not its own.

    Reads raise ReadTooLong where they take longer than READ_LIMIT_S, and ReadsBusy where too many wait.
    """

    async def write(self, batch: wire.Batch) -> None:
        """Return when the batch is committed, whole. A batch seen before changes nothing.

        Raises:
            StoreBusy: too much is waiting.
            StoreFailed: nothing of the batch is stored.
        """

    async def write_spans(self, spans: Sequence[Spans]) -> None:
        """Return when all are committed, or none. A span seen before changes nothing; raises as ``write`` does.

        They are not given to followers: whoever sent them can send them there too, whole.
        """

    async def processes(self, paging: Paging) -> Listing[Process]: ...

    async def resources(self, query: ResourceQuery) -> Listing[Resource]:
        """In order "used": those in use first, then the latest used, no cursor."""

    async def lifecycles(self, query: LifecycleQuery) -> Listing[Lifecycle]: ...

    async def traces(self, query: TraceQuery) -> Listing[Trace]: ...

    async def scene(self, lens: Lens, limit: int, keep: Collection[str] = ()) -> DiagramInput:
        """The newest ``limit`` lifecycles of the lens. A window takes in what is still open, however old.

        ``keep`` are ids of others of the lens, shown before: they stay, if some of the newest are among them. So a
        picture may grow at its end rather than move on under the reader's eyes.

        Raises:
            NotFound: the lens's trace, task, resource or process is unknown.
        """

    async def retain(self, max_age_ns: int | None, max_bytes: int | None) -> int:
        """Delete closed lifecycles, oldest first, until the limits hold; answer how many. Open ones stay.

        The age of one is how long ago it came, by the collector's clock, whatever its own times say. What a dead
        process left open goes with what came when the process was last heard of.
        """

    async def follow(self, followers: Sequence[str]) -> None:
        """From now on keep for these, by name, what ends until they acknowledge it; forget all others.

        A known follower goes on where it was, a new one begins with what ends from now on.
        """

    async def endings(self, follower: str, limit: int) -> ClosedLifecycles:
        """What the follower has not acknowledged: about ``limit`` lifecycles at most."""

    async def acknowledge(self, follower: str, position: int, expired: int) -> None:
        """The follower is done with all up to the ``position`` of some Endings, of which so many were ``expired``."""

    async def abandon(self) -> int:
        """Let followers see what dead processes left open; answer how many that are. To be called now and then."""

    def backlog(self, follower: str) -> Backlog:
        """At once, however much waits; nothing where nobody of this name follows."""

    def place(self) -> Place | None:
        """Where another process can read it; None: nowhere, it is in memory."""

    async def measures(self) -> list[Measured]:
        """The resources of living processes, in the order in which they came; none of processes that sent spans."""

    async def check(self) -> None:
        """Raise StoreFailed where writes fail. It writes nothing: anybody may ask, as often as they like."""

    async def latest_ns(self) -> int | None:
        """The latest instant that any lifecycle or task tells of; None for an empty store."""

    def totals(self) -> Totals: ...

    async def close(self) -> None:
        """Write what waits, then close."""
