"""The contract of a store.

Every backend passes one contract suite: the tests in tests/server/store/test_*.py that take the fixture ``store``.

Lists are newest first. A cursor is opaque, and valid only for the list that answered it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Generic, Literal, Protocol, TypeVar

import msgspec

from tenure import wire
from tenure_server.model.diagram_input import DiagramInput, LiveInput
from tenure_server.model.lens import Lens
from tenure_server.model.records import Lifecycle, Outcome, Phase, Process, Resource, Trace
from tenure_server.model.waits import Stall, TaskState
from tenure_server.store.histogram import Spread

Item = TypeVar("Item")


class Listing(msgspec.Struct, Generic[Item], frozen=True):
    """One page of a list, newest first. ``cursor`` requests the next page; null: this page is the last one."""

    items: list[Item]
    cursor: str | None = None


class Paging(msgspec.Struct, frozen=True):
    limit: int = 100
    cursor: str | None = None


class LifecycleQuery(msgspec.Struct, frozen=True):
    """All conditions must hold. The window is of acquire_ns: since_ns <= acquire_ns < until_ns.

    A wait or a hold that still goes on counts with the time that it has lasted so far.
    """

    id: str | None = None
    process: str | None = None
    resource: str | None = None
    task: str | None = None
    trace: str | None = None
    phase: Phase | None = None
    outcome: Outcome | None = None  # of at least one phase; "ok": it is closed, and every phase ended ok
    min_wait_ns: int | None = None
    min_hold_ns: int | None = None
    status: int | None = None  # of the response to a request
    internal: bool | None = None  # True: with what libraries enter for their own ends
    since_ns: int | None = None
    until_ns: int | None = None
    paging: Paging = Paging()


class ResourceQuery(msgspec.Struct, frozen=True):
    """``open``: True, only resources that are held or waited for; False, only the others. ``order``: see Store."""

    process: str | None = None
    kind: str | None = None
    open: bool | None = None
    order: Literal["newest", "used"] = "newest"
    internal: bool | None = None  # as in LifecycleQuery
    paging: Paging = Paging()


class TraceQuery(msgspec.Struct, frozen=True):
    """The window is of start_ns."""

    process: str | None = None
    service: str | None = None
    internal: bool | None = None  # as in LifecycleQuery
    since_ns: int | None = None
    until_ns: int | None = None
    paging: Paging = Paging()


class TaskQuery(msgspec.Struct, frozen=True):
    """``open``: True, only tasks that are not finished, of living processes; False, only the others.

    ``awaiting``: True, only tasks that await something; False, only the others; a text, what they await begins so.
    """

    process: str | None = None
    name: str | None = None
    open: bool | None = None
    awaiting: bool | str | None = None
    paging: Paging = Paging()


class StallQuery(msgspec.Struct, frozen=True):
    """Those that lasted until ``since_ns`` or later, and began before ``until_ns``."""

    process: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    paging: Paging = Paging()


class ClosedLifecycle(msgspec.Struct, frozen=True):
    """A lifecycle that closed, or that a dead process left open."""

    lifecycle: Lifecycle
    ended_ns: int  # when it was released; of one that was left open, when the process last sent a batch


class ClosedLifecycles(msgspec.Struct, frozen=True):
    """Lifecycles that a follower has not acknowledged, in the order in which they ended.

    ``processes`` are their processes, by id; ``context`` as in ``DiagramInput``; ``position`` is the value with which
    they are acknowledged; ``expired`` is how many more were deleted before the follower read them.
    """

    items: list[ClosedLifecycle]
    processes: Mapping[str, Process]
    context: list[Lifecycle]
    position: int
    expired: int


class Backlog(msgspec.Struct, frozen=True):
    """How many lifecycles a follower has not acknowledged, and since when the first of them waits.

    ``expired`` is how many the retention deleted before the follower read them, since it began to follow.
    """

    lifecycles: int
    since_ns: int | None
    expired: int


class StoreLocation(msgspec.Struct, frozen=True):
    """The file that another process can read, and what it needs to decide which processes are alive."""

    path: bytes  # absolute; a file name is not always valid text
    listening_since_ns: int  # by the collector's clock
    doubt_from_ns: int  # a process seen since then may have been alive when the collector began to listen


class ResourceSeries(msgspec.Struct, frozen=True):
    """The metrics of the resources of one kind and name in a living process; or of all that exceed MAX_SERIES.

    The durations are counted since the process began: ``waits`` of lifecycles that acquired the resource, ``holds`` of
    those that began the release, ``releases`` of those that ended it, ``creates`` of a pool's new connections.
    ``missed`` acquires ended without the resource, ``timeouts`` of them by a timeout. Now ``waiting`` lifecycles wait,
    and ``open`` ones hold the resource or release it. ``idle`` connections are open and not in use; None: the library
    does not report them. ``capacity`` and ``idle_max`` are sums over the resources; None: a resource has no bound.
    """

    process: Process
    kind: str
    name: str
    is_pool: bool  # a pool of database connections
    is_overflow: bool  # of more than one kind and name
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


# A span as a closed lifecycle: number, id, parent, trace, task, resource, site, acquire_ns (wall time), wait_ns,
# hold_ns, release_ns, outcomes, body_exception, exception, HTTP status (0: none), releaser.
#
# ``id`` and ``parent`` are OpenTelemetry's, as signed 64-bit integers (0: no parent); the parent may be in any process.
# ``number`` is a first choice: the store searches from there for the same span, else for the first free number.
# ``task`` is an index of ``Spans.tasks``, ``releaser`` the number of the task there that released (0: ``task``); all
# others are as in ``wire.Row``.
SpanRow = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int]


class SpanTask(msgspec.Struct, gc=False):
    """The spans of one process, or of one thread of it, in one trace. The store identifies it by these and its name.

    A task with a ``number`` (not 0) is one that a tracer recorded; it may have several traces.
    """

    number: int
    trace: int  # as in ``wire.Row``
    name: str
    coroutine: str
    kind: str
    start_ns: int  # of the first of its spans to begin
    end_ns: int  # of the last to end
    loop: int = 0  # number of its event loop, 0 where unknown
    thread: str = ""  # "" where unknown


class Spans(msgspec.Struct, frozen=True):
    """Spans of one process of any service.

    ``batch`` has their tables, without tasks and rows. ``origin`` is the process of the tracer that made the spans of
    its lifecycles, None for other spans; a lifecycle that is stored already is not stored a second time. ``waited`` are
    the resources, by index, whose spans have a wait time; a span of another service has none.
    """

    batch: wire.Batch
    tasks: list[SpanTask]
    rows: list[SpanRow]
    origin: bytes | None = None
    waited: frozenset[int] = frozenset()


class Totals(msgspec.Struct, frozen=True):
    """Counts since the store was opened, and the length of its queue now."""

    batches: int  # written
    repeated: int  # batches that had been written before; they are ignored
    lifecycles: int  # new ones
    queued_batches: int
    queued_rows: int
    dropped: Mapping[str, int] = {}  # lifecycles that tracers lost, by reason


class Store(Protocol):
    """Keeps lifecycles.

    Every method raises StoreFailed if the medium fails, and BadParameter for a cursor of another list. A read raises
    ReadTooLong after READ_LIMIT_S, and ReadsBusy while too many reads wait.
    """

    async def write(self, batch: wire.Batch) -> None:
        """Return when the whole batch is committed. A batch that was written before changes nothing.

        Raises:
            StoreBusy: too many batches wait to be written.
            StoreFailed: nothing of the batch is stored.
        """

    async def write_spans(self, spans: Sequence[Spans]) -> None:
        """Return when all are committed. A span that was written before changes nothing. Raises as ``write`` does.

        Followers do not get spans: their sender can send them to the same backends, complete.
        """

    async def processes(self, paging: Paging) -> Listing[Process]: ...

    async def resources(self, query: ResourceQuery) -> Listing[Resource]:
        """In order "used": first what is waited for, then what is held, then what was used last; it has no cursor."""

    async def lifecycles(self, query: LifecycleQuery) -> Listing[Lifecycle]: ...

    async def traces(self, query: TraceQuery) -> Listing[Trace]: ...

    async def tasks(self, query: TaskQuery) -> Listing[TaskState]: ...

    async def stalls(self, query: StallQuery) -> Listing[Stall]: ...

    async def diagram_input(self, lens: Lens, limit: int, keep: Collection[str] = ()) -> DiagramInput:
        """The newest ``limit`` lifecycles of the lens. A window includes what is still open, however old.

        ``keep`` are ids of lifecycles of the lens that were shown before. They stay if one of the newest is among them:
        so a live diagram grows at its end, and what the reader looks at does not move.

        Raises:
            NotFound: the lens's trace, task, resource or process is not in the store.
        """

    async def live_input(self, lens: Lens, limit: int, keep: Collection[str], list_limit: int) -> LiveInput:
        """As ``diagram_input``, and at most ``list_limit`` processes, traces and resources of the same state.

        Raises:
            NotFound: as ``diagram_input``.
        """

    async def retain(self, max_age_ns: int | None, max_bytes: int | None) -> int:
        """Delete closed lifecycles, oldest first, until the limits hold; answer how many. Open ones stay.

        The age of a lifecycle counts from its arrival, by the collector's clock: its own times may be wrong. What a
        dead process left open has the age of that process's last batch.
        """

    async def follow(self, followers: Sequence[str]) -> None:
        """Keep what ends from now on until these followers, by name, have acknowledged it; forget all others.

        A known follower continues at its position. A new one begins with what ends from now on.
        """

    async def closed_lifecycles(self, follower: str, limit: int) -> ClosedLifecycles:
        """Lifecycles that the follower has not acknowledged, the first to end first: about ``limit`` at most."""

    async def acknowledge(self, follower: str, position: int, expired: int) -> None:
        """The follower has finished ``ClosedLifecycles`` with this ``position`` and this count of ``expired``."""

    async def abandon(self) -> int:
        """Give followers what dead processes left open; answer how many lifecycles. Call it repeatedly."""

    def backlog(self, follower: str) -> Backlog:
        """Answers without reading the store; empty for an unknown follower."""

    def location(self) -> StoreLocation | None:
        """Where another process can read the store; None: the store is in memory."""

    async def resource_series(self) -> list[ResourceSeries]:
        """The series of living tracers, in the order in which they were made. Processes that send spans have none."""

    async def check(self) -> None:
        """Raise StoreFailed if writes fail. It writes nothing, so it can be called at any rate."""

    async def latest_ns(self) -> int | None:
        """The latest instant of all lifecycles and tasks; None for an empty store."""

    def totals(self) -> Totals: ...

    async def close(self) -> None:
        """Write all queued batches, then close."""
