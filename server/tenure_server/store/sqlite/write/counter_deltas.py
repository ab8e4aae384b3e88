"""What one transaction adds to the counts of resources, traces, tasks and processes."""

# ruff: noqa: PLR1730 -- a comparison costs a quarter of a call of max, for every row

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tenure import wire
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.rows import (
    INTERNAL,
    OUTCOME_BITS,
    PROPAGATED,
    LifecycleRow,
    LifecycleValues,
)

_TIMEOUTS = ("Timeout", "TimeoutError")


def failed(outcomes: int) -> bool:
    """Whether a phase ended in an error that counts here."""
    body = outcomes >> wire.BODY_SHIFT & 3
    return wire.ERROR in (outcomes & 3, wire.OK if outcomes & PROPAGATED else body, outcomes >> wire.RELEASE_SHIFT & 3)


# By the bits of outcomes: 1 where a phase ended in an error.
FAILED = [int(failed(outcomes)) for outcomes in range(1 << OUTCOME_BITS)]


class ResourceDelta:
    """What the lifecycles of one resource add to its counts. Durations are in ns, in any order."""

    __slots__ = ("failed", "holds", "missed", "moved", "releases", "timeouts", "total", "used_ns", "waits")

    def __init__(self) -> None:
        self.total = 0
        self.failed = 0
        self.used_ns = 0
        self.waits: list[int] = []
        self.holds: list[int] = []
        self.releases: list[int] = []  # of lifecycles that acquired the resource
        self.missed = 0  # acquires that ended without the resource
        self.timeouts = 0  # of the missed ones, those that failed by a timeout
        # Lifecycles as they were counted, with the change of the count: 1, moved to this resource; -1, to another one.
        self.moved: list[tuple[int, LifecycleRow]] = []

    def sort(self) -> None:
        for durations in (self.waits, self.holds, self.releases):
            durations.sort()

    def add(self, other: ResourceDelta) -> None:
        self.total += other.total
        self.failed += other.failed
        self.used_ns = max(self.used_ns, other.used_ns)
        self.waits += other.waits
        self.holds += other.holds
        self.releases += other.releases
        self.missed += other.missed
        self.timeouts += other.timeouts

    def count_missed(self, was_timeout: bool) -> None:
        self.missed += 1
        self.timeouts += was_timeout


class TraceDelta:
    """What the lifecycles of one trace add to its row. ``end_ns`` -1: none of them has closed."""

    __slots__ = ("end_ns", "errors", "internal", "internal_errors", "lifecycles", "open", "order_ns", "start_ns")

    def __init__(self, start_ns: int, end_ns: int, lifecycles: int, is_open: bool, errors: int) -> None:
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.lifecycles = lifecycles
        self.open = int(is_open)
        self.errors = errors
        self.order_ns = start_ns  # see ``time_order``
        self.internal = self.internal_errors = 0


class TaskDelta:
    """What the lifecycles of one task add to its row."""

    __slots__ = ("first", "internal", "last", "lifecycles")

    def __init__(self, key: int, internal: int) -> None:
        self.lifecycles = 1
        self.internal = internal
        self.first = self.last = key


class CounterDeltas:
    """Changes of one transaction, not yet written."""

    def __init__(self) -> None:
        self._timeouts: frozenset[int | None] = frozenset()
        self.resources: dict[int, ResourceDelta] = {}
        self.traces: dict[int, TraceDelta] = {}
        self.tasks: dict[int, TaskDelta] = {}
        self.processes: dict[int, int] = {}  # new lifecycles
        # Of internal ones:
        self.internal_resources: dict[int, ResourceDelta] = {}
        self.internal_processes: dict[int, int] = {}

    def expect(self, exceptions: Sequence[wire.ExceptionInfo], rows: Sequence[int]) -> None:
        """Set the exceptions of the lifecycles that come next; ``rows`` are their rows in the store, by number.

        Whether one is a timeout follows from the name of its type: psycopg_pool's PoolTimeout is no TimeoutError.
        """
        self._timeouts = frozenset(
            row for exception, row in zip(exceptions, rows[1:], strict=True) if exception.type.endswith(_TIMEOUTS)
        )

    def count(self, rows: Iterable[LifecycleValues]) -> None:  # noqa: C901, PLR0912, PLR0915 -- one flat loop: calls would double its cost
        """Count rows that are new in the store."""
        own, of_libraries, traces, tasks = self.resources, self.internal_resources, self.traces, self.tasks
        new = all_internal = 0
        for key, _, trace, task, resource, _, acquire_ns, wait_ns, hold_ns, release_ns, outcomes, _, raised in rows:
            new += 1
            error = FAILED[outcomes]
            if outcomes & INTERNAL:
                internal, resources = 1, of_libraries
                all_internal += 1
            else:
                internal, resources = 0, own
            is_open = release_ns is None
            end_ns = acquire_ns + (wait_ns or 0) + (hold_ns or 0) + (release_ns or 0)
            of_resource = resources.get(resource)
            if of_resource is None:
                of_resource = resources[resource] = ResourceDelta()
            of_resource.total += 1
            if error:
                of_resource.failed += 1
            if end_ns > of_resource.used_ns:
                of_resource.used_ns = end_ns
            if wait_ns is not None:
                of_resource.waits.append(wait_ns)
            elif not is_open:
                of_resource.count_missed(raised in self._timeouts)
            if hold_ns is not None:
                of_resource.holds.append(hold_ns)
                if release_ns is not None:
                    of_resource.releases.append(release_ns)
            if is_open:
                end_ns = -1
            of_trace = traces.get(trace)
            if internal:
                if of_trace is None:
                    of_trace = traces[trace] = TraceDelta(acquire_ns, -1, 0, False, 0)
                of_trace.internal += 1
                of_trace.internal_errors += error
            elif of_trace is None:
                traces[trace] = TraceDelta(acquire_ns, end_ns, 1, is_open, error)
            else:
                if acquire_ns < of_trace.start_ns:
                    of_trace.start_ns = acquire_ns
                if end_ns > of_trace.end_ns:
                    of_trace.end_ns = end_ns
                of_trace.lifecycles += 1
                of_trace.open += is_open
                of_trace.errors += error
            of_task = tasks.get(task)
            if of_task is None:
                tasks[task] = TaskDelta(key, internal)
            else:
                of_task.lifecycles += 1
                of_task.internal += internal
                if key < of_task.first:
                    of_task.first = key
                elif key > of_task.last:
                    of_task.last = key
        if new:
            process = keys.process_of(key)
            self.processes[process] = self.processes.get(process, 0) + new
            if all_internal:
                self.internal_processes[process] = self.internal_processes.get(process, 0) + all_internal

    def add(self, process: int, new: int, changes: Iterable[tuple[int, ResourceDelta]]) -> None:
        """Add ``new`` rows of a process, counted by the caller; ``changes`` are theirs, by resource."""
        self.processes[process] = self.processes.get(process, 0) + new
        for resource, change in changes:
            if change.total:
                self._of_resource(resource).add(change)

    def _of_resource(self, resource: int, outcomes: int = 0) -> ResourceDelta:
        resources = self.internal_resources if outcomes & INTERNAL else self.resources
        return resources.get(resource) or resources.setdefault(resource, ResourceDelta())

    def rename(self, before: LifecycleRow, resource: int) -> None:
        """Move a stored lifecycle to another resource: a request whose route became known.

        Metrics are cumulative and never decrease: what they have counted under the first name stays there.
        """
        self._of_resource(before.resource, before.outcomes).moved.append((-1, before))
        self._of_resource(resource, before.outcomes).moved.append((1, before))

    def advance(self, before: LifecycleRow, after: LifecycleRow) -> None:
        """Count that a stored lifecycle reached a later phase."""
        error = FAILED[after.outcomes] - FAILED[before.outcomes]
        of_resource = self._of_resource(after.resource, after.outcomes)
        of_resource.failed += error
        of_resource.used_ns = max(of_resource.used_ns, after.latest_ns)
        has_closed = not before.is_closed and after.release_ns is not None
        if before.wait_ns is None and after.wait_ns is not None:
            of_resource.waits.append(after.wait_ns)
        if before.hold_ns is None and after.hold_ns is not None:
            of_resource.holds.append(after.hold_ns)
        if has_closed and after.release_ns is not None:
            if after.hold_ns is not None:
                of_resource.releases.append(after.release_ns)
            elif after.wait_ns is None:
                of_resource.count_missed(after.exception in self._timeouts)
        of_trace = self.traces.get(before.trace)
        if of_trace is None:
            of_trace = self.traces[before.trace] = TraceDelta(before.acquire_ns, -1, 0, is_open=False, errors=0)
        if after.outcomes & INTERNAL:
            of_trace.internal_errors += error
            return
        of_trace.errors += error
        if has_closed:
            of_trace.open -= 1
            of_trace.end_ns = max(of_trace.end_ns, after.latest_ns)
