"""The tasks and traces of new spans: they are made, or extended, with the counts of the spans.

Spans arrive in any order. So a task or a trace reaches from the first start to the last end of its spans so far, and a
trace has the name of the span that began first, even if that span arrived last.
"""

# ruff: noqa: PLR1730 -- a comparison costs a quarter of a call of max, for every row

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Container, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from tenure import wire
from tenure_server.store.protocol import SpanRow, SpanTask
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.write.counter_deltas import FAILED, ResourceDelta
from tenure_server.store.sqlite.write.multi_row_insert import MultiRowInsert

_TaskIdentity: TypeAlias = tuple[int, str, str]  # process, kind and name

_MAX_KNOWN = 50_000


class _TaskRow(NamedTuple):
    key: int
    name: str
    coroutine: str
    kind: str
    created_ns: int
    finished_ns: int
    outcome: int
    lifecycles: int
    first: int
    last: int
    loop: int
    thread: str


class _TraceRow(NamedTuple):
    key: int
    otel_id: bytearray
    start_ns: int
    end_ns: int
    lifecycles: int
    errors: int
    first: int
    first_ns: int
    order_ns: int


class _TraceId(NamedTuple):
    id: bytes
    trace: int


_TASKS: MultiRowInsert[_TaskRow] = MultiRowInsert(
    f"INSERT INTO tasks ({', '.join(_TaskRow._fields)})",
    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?",
    "ON CONFLICT (key) DO UPDATE SET created_ns = min(created_ns, excluded.created_ns),"
    " finished_ns = max(finished_ns, excluded.finished_ns), lifecycles = lifecycles + excluded.lifecycles,"
    " first = min(coalesce(first, excluded.first), excluded.first),"
    " last = max(coalesce(last, excluded.last), excluded.last), loop = max(loop, excluded.loop),"
    " thread = iif(thread = '', excluded.thread, thread)",
)
_TRACES: MultiRowInsert[_TraceRow] = MultiRowInsert(
    f"INSERT INTO traces ({', '.join(_TraceRow._fields)}, open)",
    "?, ?, ?, ?, ?, ?, ?, ?, ?, 0",
    "ON CONFLICT (key) DO UPDATE SET start_ns = min(start_ns, excluded.start_ns),"
    " end_ns = max(coalesce(end_ns, excluded.end_ns), excluded.end_ns), lifecycles = lifecycles + excluded.lifecycles,"
    " errors = errors + excluded.errors,"
    " first = iif(first_ns <= excluded.first_ns, first, excluded.first),"
    " first_ns = min(coalesce(first_ns, excluded.first_ns), excluded.first_ns)",
)
_TRACE_IDS: MultiRowInsert[tuple[bytearray, int]] = MultiRowInsert(
    "INSERT INTO otel_traces", "?, ?", "ON CONFLICT (id) DO UPDATE SET trace = trace RETURNING id, trace"
)
_TRACE_PROCESSES: MultiRowInsert[tuple[int, int]] = MultiRowInsert("INSERT OR IGNORE INTO otel_trace_processes", "?, ?")


class SpansOfTrace:
    """The new spans of one trace."""

    __slots__ = ("end_ns", "errors", "first", "spans", "start_ns")

    def __init__(self, key: int, start_ns: int, end_ns: int, error: int) -> None:
        self.first = key  # of the span that began first
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.spans = 1
        self.errors = error


class SpansOfTask:
    """The new spans of one task: how many, and the keys of the first and the last."""

    __slots__ = ("first", "last", "spans")

    def __init__(self, key: int) -> None:
        self.spans = 1
        self.first = self.last = key


class SpanDeltas:
    """What the new spans of one process add to traces, tasks and resources, by the indexes of their batch.

    A trace or a task without a new span is None.
    """

    def __init__(self, traces: int, tasks: int, resources: int) -> None:
        self.traces: list[SpansOfTrace | None] = [None] * traces
        self.tasks: list[SpansOfTask | None] = [None] * tasks
        self.resources = [ResourceDelta() for _ in range(resources)]

    def add(self, placed: Mapping[int, SpanRow]) -> int:  # noqa: C901 -- one flat loop: calls would double its cost
        """Count new spans, given in the order of their keys; answer the latest instant of all, ns."""
        traces, tasks, resources = self.traces, self.tasks, self.resources
        latest_ns = 0
        for key, (_, _, _, trace, task, resource, _, start_ns, wait, hold, release, outcomes, *_) in placed.items():
            end_ns = start_ns + release
            if wait > 0:
                end_ns += wait
            if hold >= 0:
                end_ns += hold
            if end_ns > latest_ns:
                latest_ns = end_ns
            error = FAILED[outcomes]
            of_resource = resources[resource]
            of_resource.total += 1
            of_resource.failed += error
            if hold >= 0:
                of_resource.holds.append(hold)
            if end_ns > of_resource.used_ns:
                of_resource.used_ns = end_ns
            of_trace = traces[trace]
            if of_trace is None:
                traces[trace] = SpansOfTrace(key, start_ns, end_ns, error)
            else:
                if start_ns < of_trace.start_ns:
                    of_trace.first = key
                    of_trace.start_ns = start_ns
                if end_ns > of_trace.end_ns:
                    of_trace.end_ns = end_ns
                of_trace.spans += 1
                of_trace.errors += error
            of_task = tasks[task]
            if of_task is None:
                tasks[task] = SpansOfTask(key)
            else:
                of_task.spans += 1
                of_task.last = key
        return latest_ns

    def add_waits(self, placed: Mapping[int, SpanRow], waited: Container[int]) -> None:
        """Count the waits of the resources whose spans have a wait time."""
        if not waited:
            return
        for _, _, _, _, _, resource, _, _, wait_ns, *_ in placed.values():
            if wait_ns >= 0 and resource in waited:
                self.resources[resource].waits.append(wait_ns)


class SpanParts:
    """Writes the traces and tasks of spans. Works on the writer's connection, in its transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._traces: dict[bytes, int] = {}  # id -> key
        self._tasks: dict[int, dict[_TaskIdentity, int]] = {}  # key of a trace -> keys of its tasks
        self._shares: set[tuple[int, int]] = set()  # trace, process

    def forget(self) -> None:
        self._traces.clear()
        self._tasks.clear()
        self._shares.clear()

    def write_traces(
        self, process: int, traces: Sequence[wire.Trace], deltas: Sequence[SpansOfTrace | None]
    ) -> list[int]:
        """Answer their keys; 0 for a trace without a new span. A new trace gets the key of its first span."""
        if len(self._traces) > _MAX_KNOWN:
            self.forget()
        ids = [trace.otel_trace_id or b"" for trace in traces]
        new = [
            (bytearray(trace_id), delta.first)
            for trace_id, delta in zip(ids, deltas, strict=True)
            if delta is not None and trace_id not in self._traces
        ]
        self._traces.update(_TRACE_IDS.returning(self._connection, new, _TraceId._make))
        trace_keys = [0] * len(traces)
        shares: list[tuple[int, int]] = []
        rows: list[_TraceRow] = []
        for number, (trace_id, delta) in enumerate(zip(ids, deltas, strict=True)):
            if delta is None:
                continue
            key = trace_keys[number] = self._traces[trace_id]
            if key == delta.first:
                self._tasks[key] = {}  # a new trace has no stored tasks
            if (key, process) not in self._shares:
                self._shares.add((key, process))
                shares.append((key, process))
            first, start_ns = delta.first, delta.start_ns
            rows.append(
                _TraceRow(
                    key,
                    bytearray(trace_id),
                    start_ns,
                    delta.end_ns,
                    delta.spans,
                    delta.errors,
                    first,
                    start_ns,
                    start_ns,
                )
            )
        _TRACE_PROCESSES.run(self._connection, shares)
        _TRACES.run(self._connection, rows)
        return trace_keys

    def write_tasks(
        self, process: int, tasks: Sequence[SpanTask], deltas: Sequence[SpansOfTask | None], traces: Sequence[int]
    ) -> list[int]:
        """Answer their keys; 0 for a task without a new span. A new task gets the key of its first span.

        So new tasks stand at the end of their table. Numbers made from trace ids would touch one page for each task.
        """
        task_keys = [0] * len(tasks)
        rows: list[_TaskRow] = []
        for number, (task, delta) in enumerate(zip(tasks, deltas, strict=True)):
            if delta is None:
                continue
            if task.number:
                key = keys.key(process, task.number)
            else:
                key = self._task(process, task, traces[task.trace], delta.first)
            task_keys[number] = key
            times = task.start_ns, task.end_ns
            counts = delta.spans, delta.first, delta.last
            home = task.loop, task.thread
            rows.append(_TaskRow(key, task.name, task.coroutine, task.kind, *times, wire.OK, *counts, *home))
        _TASKS.run(self._connection, rows)
        return task_keys

    def write_releasers(
        self, process: int, tasks: Sequence[SpanTask], released_by: Collection[int], known: Sequence[int]
    ) -> list[int]:
        """Add the tasks that only released, by index; answer the keys of all, where ``known`` are those of the others.

        They are tasks that a tracer recorded.
        """
        task_keys = list(known)
        rows = []
        for number in released_by:
            if not task_keys[number]:
                task = tasks[number]
                task_keys[number] = keys.key(process, task.number)
                rows.append((task_keys[number], task.name, task.kind, task.start_ns, task.end_ns, wire.OK))
        self._connection.executemany(
            "INSERT OR IGNORE INTO tasks (key, name, coroutine, kind, created_ns, finished_ns, outcome, lifecycles)"
            " VALUES (?, ?, '', ?, ?, ?, ?, 0)",
            rows,
        )
        return task_keys

    def _task(self, process: int, task: SpanTask, trace: int, first: int) -> int:
        """The key of a task; ``first`` is the key of its first new span."""
        known = self._tasks.get(trace)
        if known is None:
            known = self._tasks[trace] = self._stored_tasks(trace)
        return known.setdefault((process, task.kind, task.name), first)

    def _stored_tasks(self, trace: int) -> dict[_TaskIdentity, int]:
        rows = self._connection.execute(
            "SELECT key, kind, name FROM tasks WHERE key IN (SELECT task FROM lifecycles WHERE trace = ?)", (trace,)
        )
        return {(keys.process_of(key), kind, name): key for key, kind, name in rows}
