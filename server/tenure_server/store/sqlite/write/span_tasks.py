"""What new spans are parts of: their tasks and traces are made, or go on, with what is counted of each.

A span may come in any order, so that a task or a trace reaches from the first begin to the last end that was told of,
and a trace has the name of the span that began first, however late that came.
"""

# ruff: noqa: PLR1730 -- a comparison costs a quarter of a call of max, for every row

from __future__ import annotations

import sqlite3
from collections.abc import Container, Mapping, Sequence

from tenure import wire
from tenure_server.store.protocol import SpanRow, SpanTask
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.write.counters import FAILED, Change
from tenure_server.store.sqlite.write.multi_row_insert import Insert

_Who = tuple[int, str, str]  # process, kind and name of a task

_MAX_KNOWN = 50_000

_TASKS = Insert(
    "INSERT INTO tasks (key, name, coroutine, kind, created_ns, finished_ns, outcome, lifecycles, first, last)",
    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?",
    "ON CONFLICT (key) DO UPDATE SET created_ns = min(created_ns, excluded.created_ns),"
    " finished_ns = max(finished_ns, excluded.finished_ns), lifecycles = lifecycles + excluded.lifecycles,"
    " first = min(first, excluded.first), last = max(last, excluded.last)",
)
_TRACES = Insert(
    "INSERT INTO traces (key, otel_id, start_ns, end_ns, lifecycles, open, errors, first, first_ns, order_ns)",
    "?, ?, ?, ?, ?, 0, ?, ?, ?, ?",
    "ON CONFLICT (key) DO UPDATE SET start_ns = min(start_ns, excluded.start_ns),"
    " end_ns = max(coalesce(end_ns, excluded.end_ns), excluded.end_ns), lifecycles = lifecycles + excluded.lifecycles,"
    " errors = errors + excluded.errors,"
    " first = iif(first_ns <= excluded.first_ns, first, excluded.first),"
    " first_ns = min(coalesce(first_ns, excluded.first_ns), excluded.first_ns)",
)
_IDS = Insert("INSERT INTO otel_traces", "?, ?", "ON CONFLICT (id) DO UPDATE SET trace = trace RETURNING id, trace")
_PROCESSES = Insert("INSERT OR IGNORE INTO otel_trace_processes", "?, ?")


class Counted:
    """What some spans of one process are parts of, by the numbers in their batch; None where no span is new."""

    def __init__(self, traces: int, tasks: int, resources: int) -> None:
        self.traces: list[list[int] | None] = [
            None
        ] * traces  # key of the first, its start, the last end, spans, errors
        self.tasks: list[list[int] | None] = [None] * tasks  # spans, first, last
        self.resources = [Change() for _ in range(resources)]

    def add(self, placed: Mapping[int, SpanRow]) -> int:  # noqa: C901, PLR0912 -- one flat loop: calls would double its cost
        """Count spans that are new, by their keys, in the order of these; answer the latest instant they tell of."""
        traces, tasks, resources = self.traces, self.tasks, self.resources
        latest_ns = 0
        for key, (_, _, _, trace, task, resource, _, start_ns, wait, hold, release, outcomes, _, _) in placed.items():
            end_ns = start_ns + release
            if wait > 0:
                end_ns += wait
            if hold >= 0:
                end_ns += hold
            if end_ns > latest_ns:
                latest_ns = end_ns
            error = FAILED[outcomes]
            change = resources[resource]
            change.total += 1
            if hold >= 0:
                change.holds.append(hold)
            if end_ns > change.used_ns:
                change.used_ns = end_ns
            entry = traces[trace]
            if entry is None:
                traces[trace] = [key, start_ns, end_ns, 1, error]
            else:
                if start_ns < entry[1]:
                    entry[0] = key
                    entry[1] = start_ns
                if end_ns > entry[2]:
                    entry[2] = end_ns
                entry[3] += 1
            if error:
                change.failed += 1
                if entry is not None:
                    entry[4] += 1
            entry = tasks[task]
            if entry is None:
                tasks[task] = [1, key, key]
            else:
                entry[0] += 1
                entry[2] = key
        return latest_ns

    def add_waits(self, placed: Mapping[int, SpanRow], waited: Container[int]) -> None:
        """Those of the resources whose spans tell how long they waited."""
        if not waited:
            return
        for _, _, _, _, _, resource, _, _, wait_ns, *_ in placed.values():
            if wait_ns >= 0 and resource in waited:
                self.resources[resource].waits.append(wait_ns)


class SpanParts:
    """Works on the writer's connection, in its transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._traces: dict[bytes, int] = {}  # id -> key
        self._tasks: dict[int, dict[_Who, int]] = {}  # key of a trace -> tasks
        self._shares: set[tuple[int, int]] = set()  # trace, process

    def forget(self) -> None:
        self._traces.clear()
        self._tasks.clear()
        self._shares.clear()

    def write_traces(
        self, process: int, traces: Sequence[wire.Trace], counted: Sequence[list[int] | None]
    ) -> list[int]:
        """Their keys; 0 for one of which no span is new. A new trace has the key of the span that began first."""
        if len(self._traces) > _MAX_KNOWN:
            self.forget()
        ids = [trace.otel_trace_id or b"" for trace in traces]
        new: list[object] = []
        for trace, entry in zip(ids, counted, strict=True):
            if entry is not None and trace not in self._traces:
                new += (bytearray(trace), entry[0])
        self._traces.update(_IDS.returning(self._connection, new))
        found = [0] * len(traces)
        shares: list[object] = []
        values: list[object] = []
        for number, (trace, entry) in enumerate(zip(ids, counted, strict=True)):
            if entry is None:
                continue
            key = found[number] = self._traces[trace]
            first, start_ns, end_ns, spans, errors = entry
            if key == first:
                self._tasks[key] = {}  # it is new, and so are its tasks
            if (key, process) not in self._shares:
                self._shares.add((key, process))
                shares += (key, process)
            values += (key, bytearray(trace), start_ns, end_ns, spans, errors, first, start_ns, start_ns)
        _PROCESSES.run(self._connection, shares)
        _TRACES.run(self._connection, values)
        return found

    def write_tasks(
        self, process: int, tasks: Sequence[SpanTask], counted: Sequence[list[int] | None], traces: Sequence[int]
    ) -> list[int]:
        """Their keys; 0 for one of which no span is new. A new task has the key of its first span.

        So new tasks stand at the end of their table; numbers made from trace ids would touch a page for each.
        """
        found = [0] * len(tasks)
        values: list[object] = []
        for number, (task, entry) in enumerate(zip(tasks, counted, strict=True)):
            if entry is None:
                continue
            if task.number:
                key = keys.key(process, task.number)
            else:
                key = self._task(process, task, traces[task.trace], entry[1])
            found[number] = key
            values += (key, task.name, task.coroutine, task.kind, task.start_ns, task.end_ns, wire.OK, *entry)
        _TASKS.run(self._connection, values)
        return found

    def _task(self, process: int, task: SpanTask, trace: int, first: int) -> int:
        """The key of a task; ``first`` is that of its first new span."""
        known = self._tasks.get(trace)
        if known is None:
            known = self._tasks[trace] = self._stored_tasks(trace)
        return known.setdefault((process, task.kind, task.name), first)

    def _stored_tasks(self, trace: int) -> dict[_Who, int]:
        rows = self._connection.execute(
            "SELECT key, kind, name FROM tasks WHERE key IN (SELECT task FROM lifecycles WHERE trace = ?)", (trace,)
        )
        return {(keys.process_of(key), kind, name): key for key, kind, name in rows}
