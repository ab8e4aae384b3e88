"""From records to batches: finds parents and traces, off the hot path.

The ledger gets every entry in the order of the events, and keeps only what is open: for each task the lifecycles that
it is in, for each lifecycle its trace. It reads no clock and sends nothing.

A lifecycle's parent is the innermost one that its task is in; for a task that is in none, the one in which the task was
created. Of one that is the program's own it is the innermost of those that are (``sites.is_internal``). It begins a
trace of its own where it has no parent, where the parent was acquired more than LONG_HELD_NS before, or where an
adapter says so of its site: then the trace has a link to the parent instead.

Where an OpenTelemetry span is active at a root's begin, the root hangs under it and the trace is that span's. A request
is noted before a middleware of OpenTelemetry's begins its span; it takes the span that is active where the request's
first own lifecycle begins, and its trace is not shipped for up to PATIENCE flushes, so that it can.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import count, zip_longest
from typing import cast

from tenure import wire
from tenure._assembly import late_entries, pool_reporter
from tenure._assembly.given_up import GivenUp, Wanted
from tenure._assembly.observations import Observations
from tenure._assembly.open_lifecycles import Lifecycle, Trace
from tenure._assembly.propagation import Propagation
from tenure._assembly.request_rename import Renamed
from tenure._assembly.request_status import Answered, is_request
from tenure._assembly.snapshot import CLOSED, PLAIN, Snapshot, phase_of
from tenure._assembly.split_holds import SplitHolds, may_be_split
from tenure._assembly.statement_entry import HeldBeside, StatementEntry
from tenure._assembly.tables import Tables, chunks, process_of
from tenure._core.record_layout import ACQUIRE, RELEASER, RESOURCE, SITE, TASK, Listed
from tenure._identify import otel_context, tracer
from tenure._identify.exceptions import Canceller
from tenure._identify.sites import is_internal
from tenure._identify.task_table import Adopted, Ended, Task, unknown_task

ROWS_A_BATCH = 20_000  # wire.MAX_ROWS
NAMING_FLUSHES = 2


class Ledger:
    """One process's open lifecycles and tasks, and the number of its last batch."""

    def __init__(self, process: wire.Process) -> None:
        self.process = process
        self._numbers = count(1)
        self._sequences = count(1)
        self._open: dict[int, Lifecycle] = {}
        self._within: dict[int, list[Lifecycle]] = {}  # by task: what it is in, outermost first
        self._beside: HeldBeside[Lifecycle] = HeldBeside()
        self._origins: dict[int, Lifecycle] = {}  # by task: what it was created in
        self._shipped_tasks: set[int] = set()
        self._finished: dict[int, Task] = {}
        self._split_holds = SplitHolds()
        self._pool_reporter = pool_reporter.PoolReporter()
        self._root_sites = tracer.current.root_sites
        self.observations = Observations()
        self._propagation = Propagation()

    def add_entries(self, entries: Iterable[object]) -> None:
        """Add records at their acquire, tasks at their creation and at their end."""
        for entry in entries:
            if isinstance(entry, list):
                self._begin(entry, None)
            elif isinstance(entry, Task):
                self._note_creation(entry)
            elif isinstance(entry, Ended):
                self._finished[entry.task.id] = entry.task
            else:
                self._note(entry)

    def _note(self, entry: object) -> None:
        """Add what is rarer."""
        if isinstance(entry, Renamed | Answered):
            self._note_fact(entry)
        elif isinstance(entry, StatementEntry):
            self._beside.enter(entry, self._within)
        elif isinstance(entry, GivenUp):
            self._split_holds.end(entry, self._within)
        elif isinstance(entry, Wanted):
            self._resume_hold(entry.given_up)
        elif isinstance(entry, Adopted):
            self._set_origin(*entry)
        elif isinstance(entry, tuple):
            self._begin(*cast("otel_context.InContext", entry))

    def batches(
        self,
        clock_offset_ns: int,
        dropped: dict[str, int],
        *,
        heartbeat: bool = False,
        final: bool = False,
        patient: bool = True,
        late: late_entries.Drain | None = None,
    ) -> list[wire.Batch]:
        """What changed since the last call, as batches of at most ROWS_A_BATCH rows.

        With ``heartbeat`` or ``final`` there is at least one, even an empty one; ``final`` marks the last one.
        Not ``patient``: no request waits for its span, and no hold for what the next drain may bring. ``late`` drains
        once more; see ``late_entries``.
        """
        patient = patient and not final
        self._split_holds.update()
        changed = [entry for entry in self._ready(patient) if phase_of(entry.record) != entry.shipped]
        if late is not None and not final:
            changed = late_entries.ready_without(changed, self._open, lambda: self.add_entries(late()))
        rows = chunks([entry for entry in changed if not (patient and may_be_split(entry))], ROWS_A_BATCH)
        ended = chunks([task for task in self._finished.values() if task.id in self._shipped_tasks], ROWS_A_BATCH)
        parts = list(zip_longest(rows, ended)) or ([(None, None)] if heartbeat or final or self.observations else [])
        batches = []
        for number, (lifecycles, tasks_ended) in enumerate(parts, 1):
            is_last = final and number == len(parts)
            batches.append(self._batch(lifecycles or (), tasks_ended or (), clock_offset_ns, dropped, final=is_last))
        if propagated := self._propagation.settle(self._open):
            for batch in batches:
                batch.propagated.extend(i for i, row in enumerate(batch.rows) if row.id in propagated)
        self._evict_closed()
        self._propagation.forget_closed(self._open)
        return batches

    def _begin(self, record: Listed, context: object) -> None:
        number = next(self._numbers)
        task, instant = cast("int", record[TASK]), cast("int", record[ACQUIRE])
        parent = around = self._innermost(task, instant)
        internal = is_internal(cast("str", record[SITE]))
        if around is not None and around.is_internal and not internal:
            parent = around.own
        if parent is not None and not parent.is_long_held(instant) and record[SITE] not in self._root_sites:
            lifecycle = Lifecycle(number, record, parent.id, parent.trace)
            if parent.trace.flushes_left and (span := otel_context.span_ids_of(context)) is not None:
                parent.trace.span, parent.trace.flushes_left = span, 0
        else:
            span = otel_context.span_ids_of(context)
            flushes_left = NAMING_FLUSHES if span is None and otel_context.is_watched() and is_request(record) else 0
            trace = Trace(number, parent.id if parent is not None else 0, span, flushes_left)
            lifecycle = Lifecycle(number, record, 0, trace)
        if internal:
            lifecycle.enclose(around)
        if not self._beside.takes(lifecycle):
            self._within.setdefault(task, []).append(lifecycle)
        self._open[lifecycle.id] = lifecycle

    def _resume_hold(self, given_up: GivenUp) -> None:
        around = self._innermost(given_up.task, given_up.wanted_ns)
        if (lifecycle := self._split_holds.resume(given_up, self._within, self._numbers, around)) is not None:
            self._open[lifecycle.id] = lifecycle

    def _note_fact(self, fact: Renamed | Answered) -> None:
        for lifecycle in self._within.get(fact.task, ()):
            if lifecycle.record[ACQUIRE] == fact.acquire_ns:
                lifecycle.note(fact)
                return

    def _ready(self, patient: bool) -> Iterator[Lifecycle]:
        """What may be shipped: all but the traces that wait for their span."""
        if not patient or not otel_context.is_watched():
            yield from self._open.values()
            return
        waiting = set()
        for entry in self._open.values():
            trace = entry.trace
            if trace.flushes_left and entry.id == trace.root:
                trace.flushes_left = 0 if phase_of(entry.record) == CLOSED else trace.flushes_left - 1
                if trace.flushes_left:
                    waiting.add(trace.root)
            if trace.root not in waiting:
                yield entry

    def _innermost(self, task: int, instant: int) -> Lifecycle | None:
        """What the task is in at this instant, or else what it was created in."""
        within = self._within.get(task)
        while within and within[-1].released_before(instant):
            within.pop()
        return within[-1] if within else self._origins.get(task)

    def _note_creation(self, task: Task) -> None:
        if task.created_ns is not None and task.parent:
            self._set_origin(task.id, task.parent, task.created_ns)

    def _set_origin(self, task: int, maker: int, instant: int) -> None:
        if (origin := self._innermost(maker, instant)) is not None:
            self._origins[task] = origin

    def _batch(
        self,
        lifecycles: Sequence[Lifecycle],
        ended: Sequence[Task],
        clock_offset_ns: int,
        dropped: dict[str, int],
        *,
        final: bool,
    ) -> wire.Batch:
        tables = Tables()
        base = before = cast("int", lifecycles[0].record[ACQUIRE]) if lifecycles else 0
        rows = []
        for lifecycle in lifecycles:
            snapshot = lifecycle.snapshot()
            rows.append(self._row(tables, lifecycle, snapshot, before))
            before = snapshot.acquire
        for task in ended:
            self._task(tables, task)
        releasers = [(i, cast("int", entry.record[RELEASER])) for i, entry in enumerate(lifecycles)]
        releases = [wire.Release(i, self._task_place(tables, releaser)) for i, releaser in releasers if releaser]
        responses = [wire.Response(i, entry.status) for i, entry in enumerate(lifecycles) if entry.status]
        awaits, stalls = self.observations.take(tables, partial(self._task, tables))
        tables.name_cancellers(partial(self._canceller, tables))
        tables.put_renamed()
        return wire.Batch(
            version=wire.VERSION,
            process=process_of(self.process),
            sequence=next(self._sequences),
            clock_offset_ns=clock_offset_ns,
            base_ns=base,
            sites=tables.sites,
            resources=tables.resources,
            tasks=tables.tasks,
            traces=tables.traces,
            exceptions=tables.exceptions,
            rows=rows,
            dropped=dict(dropped),
            final=final,
            cancellers=tables.cancellers,
            pools=self._pool_reporter.pools(tables),
            responses=responses,
            releases=releases,
            awaits=awaits,
            stalls=stalls,
        )

    def _row(self, tables: Tables, lifecycle: Lifecycle, snapshot: Snapshot, before: int) -> wire.Row:
        site, number, resource, acquire, acquired, release, released, body, raised, _ = snapshot
        task = self._task_place(tables, number)
        if body is None and raised is None and 0 < acquired <= release <= released:
            # Nearly all: through all phases with no exception anywhere.
            wait, hold, leave, outcomes = acquired - acquire, release - acquired, released - release, PLAIN
            failures = 0, 0
        else:
            wait, hold, leave = snapshot.durations()
            outcomes = snapshot.outcomes()
            failures = tables.exception(body), tables.exception(snapshot.own_failure)
            if released and not lifecycle.is_internal:
                self._propagation.note(lifecycle.id, lifecycle.parent, snapshot)
        if lifecycle.shipped is not None:
            outcomes |= wire.RESENT
        lifecycle.shipped = CLOSED if released else snapshot.phase
        return wire.Row(
            lifecycle.id,
            lifecycle.parent,
            tables.trace(lifecycle.trace.root, lifecycle.trace.link, lifecycle.trace.span),
            task,
            tables.resource(resource),
            tables.site(site),
            acquire - before,
            wait,
            hold,
            leave,
            outcomes,
            *failures,
        )

    def _task_place(self, tables: Tables, number: int) -> int:
        place = tables.task_place(number)
        if place is not None:
            return place
        return self._task(tables, tracer.current.tasks.by_id.get(number) or unknown_task(number))

    def _task(self, tables: Tables, task: Task) -> int:
        """The task's index; the tasks that created it go too, where no batch had them."""
        place = tables.task(task, self._origin(task.id))
        self._shipped_tasks.add(task.id)
        creator = tracer.current.tasks.by_id.get(task.parent)
        while creator is not None and creator.id not in self._shipped_tasks:
            tables.task(creator, self._origin(creator.id))
            self._shipped_tasks.add(creator.id)
            creator = tracer.current.tasks.by_id.get(creator.parent)
        return place

    def _canceller(self, tables: Tables, canceller: Canceller) -> int:
        """The index of the task that cancelled; of one that was evicted only the name is left."""
        place = tables.task_place(canceller.task)
        if place is not None:
            return place
        task = tracer.current.tasks.by_id.get(canceller.task)
        if task is not None:
            return self._task(tables, task)
        gone = unknown_task(canceller.task)
        gone.name = canceller.name
        return tables.task(gone, 0)

    def _origin(self, task: int) -> int:
        origin = self._origins.get(task)
        if origin is not None and origin.is_internal:
            origin = origin.own
        return origin.id if origin is not None else 0

    def _evict_closed(self) -> None:
        """Remove lifecycles that were shipped closed, tasks that ended and hold nothing, and dead resources."""
        closed = [lifecycle for lifecycle in self._open.values() if lifecycle.shipped == CLOSED]
        for lifecycle in closed:
            del self._open[lifecycle.id]
        self._split_holds.evict(closed)
        for task in {cast("int", lifecycle.record[TASK]) for lifecycle in closed}:
            if all(other.shipped == CLOSED for other in self._within.get(task, ())):
                self._within.pop(task, None)
            self._beside.evict(task, CLOSED)
        for number in [task for task in self._finished if task not in self._within and task not in self._beside]:
            del self._finished[number]
            self._origins.pop(number, None)
            self._shipped_tasks.discard(number)
            tracer.current.tasks.by_id.pop(number, None)
        in_use = {cast("int", lifecycle.record[RESOURCE]) for lifecycle in self._open.values()}
        tracer.current.resource_ids.collect_dead(in_use)
