"""From the tables of a batch to rows of the store. A row that is known costs one look into a dictionary.

Only the writer uses the caches. They are cleared when a transaction is rolled back and when rows are deleted.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import msgspec

from tenure import wire
from tenure_server.limits import MAX_SEQUENCES_AHEAD
from tenure_server.store.sqlite.file import keys, time_order
from tenure_server.store.sqlite.file.clock_skew import ProcessClock
from tenure_server.store.sqlite.file.schema import USED_NS

# The row of a deleted process is never used again: keys in the outbox that still name it would mean the new process.
_NEXT_ROW = (
    "(SELECT max(ifnull(max(process), 0), ifnull((SELECT max(deleted) FROM process_rows), 0)) + 1 FROM processes)"
)
_NO_CANCELLER: CancellerFacts = (0, 0, "", 0)
_MAX_PROCESSES = 256
_MAX_ENTRIES = 50_000  # of one table of one process

ResourceFacts = tuple[str, str, int | None, str]
CancellerFacts = tuple[int, int, str, int]  # columns of an exception: cancelled, canceller, via, cancelled_at
TaskFacts = tuple[str, int | None, int | None, int, int | None, int, str]


class KnownProcess:
    """What the writer has in memory of one process."""

    def __init__(
        self,
        row: int,
        contiguous: int,
        ahead: set[int],
        dropped: dict[str, int],
        *,
        clock: ProcessClock,
        latest_ns: int,
    ) -> None:
        self.row = row
        self.contiguous = contiguous  # every batch up to this number is stored, or counts as lost
        self.ahead = ahead  # numbers of stored batches behind a gap
        self.dropped = dropped
        self.clock = clock
        self.highest = (0, 0)  # the highest number of its lifecycles, and the latest acquire_ns up to it
        self.is_unordered = False  # whether it stands in the table ``unordered``
        self.latest_ns = latest_ns  # the latest instant of its batches, by its own clock
        self.resources: dict[int, ResourceFacts] = {}
        self.tasks: dict[int, TaskFacts] = {}
        self.traces: dict[int, int] = {}  # root -> key of its trace, for roots that may share a trace with others

    def has_batch(self, sequence: int) -> bool:
        return sequence <= self.contiguous or sequence in self.ahead

    def note_latest(self, latest_ns: int, now_ns: int) -> None:
        """A batch with this latest instant arrived now; 0: it has no instants."""
        if latest_ns:
            self.latest_ns = max(self.latest_ns, latest_ns)
            self.clock.note(latest_ns, now_ns)

    def trim(self) -> None:
        for table in (self.resources, self.tasks, self.traces):
            if len(table) > _MAX_ENTRIES:
                table.clear()


class Interning:
    """Finds or makes the rows for the tables of a batch."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._processes: OrderedDict[bytes, KnownProcess] = OrderedDict()
        self._clocks: OrderedDict[bytes, ProcessClock] = OrderedDict()  # they are not cleared: no row invalidates them
        self._sites: dict[wire.Site, int] = {}
        self._exceptions: dict[tuple[wire.ExceptionInfo, CancellerFacts], tuple[int, int]] = {}  # row, used_ns

    def forget(self) -> None:
        self._processes.clear()
        self._sites.clear()
        self._exceptions.clear()

    def forget_traces(self) -> None:
        """Traces were deleted: a new lifecycle of one must make its row again."""
        for process in self._processes.values():
            process.traces.clear()

    def process(self, header: wire.Process, now_ns: int) -> KnownProcess:
        process = self._processes.get(header.id)
        if process is None:
            process = self._load_process(header.id) or self._new_process(header, now_ns)
            self._processes[header.id] = process
            if len(self._processes) > _MAX_PROCESSES:
                self._processes.popitem(last=False)
        self._processes.move_to_end(header.id)
        process.trim()
        return process

    def _load_process(self, process_id: bytes) -> KnownProcess | None:
        stored = self._connection.execute(
            "SELECT process, contiguous, dropped, latest_ns, skew_ns FROM processes WHERE id = ?", (process_id,)
        ).fetchone()
        if stored is None:
            return None
        row, contiguous, dropped, latest_ns, skew_ns = stored
        ahead = self._connection.execute("SELECT sequence FROM batches_ahead WHERE process = ?", (row,))
        lost = msgspec.msgpack.decode(dropped, type=dict[str, int])
        clock = self._clock(process_id, skew_ns)
        process = KnownProcess(row, contiguous, {n for (n,) in ahead}, lost, clock=clock, latest_ns=latest_ns)
        key, acquire_ns = time_order.highest(self._connection, "lifecycles", "acquire_ns", row)
        process.highest = keys.number_of(key), acquire_ns
        process.is_unordered = time_order.is_unordered(self._connection, row)
        return process

    def note_unordered(self, process: KnownProcess) -> None:
        """The keys of a process are no longer in the order of time."""
        if not process.is_unordered:
            self._connection.execute("INSERT INTO unordered VALUES (?)", (process.row,))
            process.is_unordered = True

    def _clock(self, process_id: bytes, skew_ns: int) -> ProcessClock:
        clock = self._clocks.setdefault(process_id, ProcessClock(skew_ns))
        if len(self._clocks) > _MAX_PROCESSES:
            self._clocks.popitem(last=False)
        return clock

    def _new_process(self, header: wire.Process, now_ns: int) -> KnownProcess:
        cursor = self._connection.execute(
            f"INSERT INTO processes VALUES ({_NEXT_ROW}, ?, ?, ?, ?, ?, ?, ?, 0, ?, 0, 0, 0, 0, 0)",  # noqa: S608 -- constant names
            (
                header.id,
                header.service,
                header.host,
                header.pid,
                header.python,
                header.started_wall_ns,
                now_ns,
                msgspec.msgpack.encode({}),
            ),
        )
        assert cursor.lastrowid is not None
        return KnownProcess(cursor.lastrowid, 0, set(), {}, clock=self._clock(header.id, 0), latest_ns=0)

    def note_batch(self, process: KnownProcess, sequence: int) -> None:
        """Write that the batch is stored. A gap counts as lost when MAX_SEQUENCES_AHEAD later batches are stored."""
        process.ahead.add(sequence)
        if len(process.ahead) > MAX_SEQUENCES_AHEAD:
            process.contiguous = min(process.ahead)
        while process.contiguous + 1 in process.ahead:
            process.contiguous += 1
        past = {n for n in process.ahead if n <= process.contiguous}
        process.ahead -= past
        if sequence in process.ahead:
            self._connection.execute("INSERT OR IGNORE INTO batches_ahead VALUES (?, ?)", (process.row, sequence))
        if past - {sequence}:
            self._connection.execute(
                "DELETE FROM batches_ahead WHERE process = ? AND sequence <= ?", (process.row, process.contiguous)
            )

    def sites(self, sites: list[wire.Site]) -> list[int]:
        return [self._sites.get(site) or self._site(site) for site in sites]

    def _site(self, site: wire.Site) -> int:
        values = (site.file, site.line, site.function, site.expression, site.enter, site.exit, site.internal)
        self._connection.execute("INSERT OR IGNORE INTO sites VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", values)
        row: int
        (row,) = self._connection.execute(
            "SELECT site FROM sites WHERE (file, line, function, expression, enter, exit, internal)"
            " = (?, ?, ?, ?, ?, ?, ?)",
            values,
        ).fetchone()
        if len(self._sites) > _MAX_ENTRIES:
            self._sites.clear()
        self._sites[site] = row
        return row

    def cancellers(self, process: KnownProcess, batch: wire.Batch, sites: list[int]) -> dict[int, CancellerFacts]:
        """The cancellers of those of the batch's exceptions that have one, by the exception's number."""
        cancellers: dict[int, CancellerFacts] = {}
        for canceller in batch.cancellers:
            key = keys.key(process.row, batch.tasks[canceller.task - 1].id) if canceller.task else 0
            site = sites[canceller.site - 1] if canceller.site else 0
            cancellers[canceller.exception] = 1, key, canceller.via, site
        return cancellers

    def exceptions(
        self, exceptions: list[wire.ExceptionInfo], now_ns: int, cancellers: Mapping[int, CancellerFacts]
    ) -> list[int]:
        """The rows, by number: number 0 is no exception, and its row is 0."""
        rows = [0]
        for number, exception in enumerate(exceptions, 1):
            canceller = cancellers.get(number, _NO_CANCELLER)
            row, used_ns = self._exceptions.get((exception, canceller), (0, 0))
            rows.append(row if now_ns - used_ns < USED_NS else self._exception(exception, canceller, now_ns))
        return rows

    def _exception(self, exception: wire.ExceptionInfo, canceller: CancellerFacts, now_ns: int) -> int:
        row: int
        (row,) = self._connection.execute(
            "INSERT INTO exceptions VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (type, message, cancelled, canceller, via, cancelled_at)"
            " DO UPDATE SET used_ns = excluded.used_ns RETURNING exception",
            (exception.type, exception.message, now_ns, *canceller),
        ).fetchone()
        if len(self._exceptions) > _MAX_ENTRIES:
            self._exceptions.clear()
        self._exceptions[exception, canceller] = row, now_ns
        return row

    def resources(self, process: KnownProcess, resources: list[wire.Resource]) -> list[int]:
        """Their keys. A later batch may change a resource's name, and all else of it."""
        rows = []
        for resource in resources:
            facts = (resource.kind, resource.name, resource.capacity, resource.stereotype)
            if process.resources.get(resource.id) != facts:
                process.resources[resource.id] = facts
                rows.append((keys.key(process.row, resource.id), *facts))
        if rows:
            self._connection.executemany(
                "INSERT INTO resources VALUES (?, ?, ?, ?, ?, 0, 0, x'80', x'80', 0, 0, 0, x'80', x'80')"
                " ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, name = excluded.name,"
                " capacity = excluded.capacity,"
                " stereotype = excluded.stereotype",
                rows,
            )
        return [keys.key(process.row, resource.id) for resource in resources]

    def tasks(self, process: KnownProcess, tasks: list[wire.Task], offset_ns: int, exceptions: list[int]) -> list[int]:
        """Their keys. A later batch may add facts to a task and change its name until it is finished."""
        rows = []
        for task in tasks:
            exception = exceptions[task.exception] or None
            facts = (
                task.name,
                task.created_ns,
                task.finished_ns,
                task.outcome,
                exception,
                task.loop,
                task.thread,
            )
            if process.tasks.get(task.id) == facts:
                continue
            process.tasks[task.id] = facts
            rows.append(
                (
                    keys.key(process.row, task.id),
                    task.name,
                    task.coroutine,
                    task.kind,
                    keys.key(process.row, task.parent) if task.parent else None,
                    task.created_in or None,
                    None if task.created_ns is None else task.created_ns + offset_ns,
                    None if task.finished_ns is None else task.finished_ns + offset_ns,
                    task.outcome,
                    exception,
                    task.loop,
                    task.thread,
                )
            )
        if rows:
            self._connection.executemany(
                "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL, NULL, ?, ?, 0)"
                " ON CONFLICT (key) DO UPDATE SET"
                " name = iif(finished_ns IS NULL, excluded.name, name), parent = coalesce(parent, excluded.parent),"
                " created_in = coalesce(created_in, excluded.created_in),"
                " created_ns = coalesce(created_ns, excluded.created_ns),"
                " finished_ns = coalesce(finished_ns, excluded.finished_ns), outcome = max(outcome, excluded.outcome),"
                " exception = coalesce(exception, excluded.exception), loop = max(loop, excluded.loop),"
                " thread = iif(thread = '', excluded.thread, thread)",
                rows,
            )
        return [keys.key(process.row, task.id) for task in tasks]

    def traces(self, process: KnownProcess, traces: Sequence[wire.Trace]) -> list[int]:
        return [
            keys.key(process.row, trace.root)
            if not trace.link and trace.otel_trace_id is None and trace.otel_parent_id is None
            else process.traces.get(trace.root) or self._trace(process, trace)
            for trace in traces
        ]

    def _trace(self, process: KnownProcess, trace: wire.Trace) -> int:
        """The trace of a root that has a link or an OpenTelemetry trace. That may have other roots and processes."""
        own = keys.key(process.row, trace.root)
        self._connection.execute(
            "INSERT OR IGNORE INTO roots VALUES (?, ?, ?, ?)",
            (own, trace.link or None, trace.otel_trace_id, trace.otel_parent_id),
        )
        process.traces[trace.root] = own
        if trace.otel_trace_id is None:
            return own
        self._connection.execute("INSERT OR IGNORE INTO otel_traces VALUES (?, ?)", (trace.otel_trace_id, own))
        shared: int
        (shared,) = self._connection.execute(
            "SELECT trace FROM otel_traces WHERE id = ?", (trace.otel_trace_id,)
        ).fetchone()
        self._connection.execute("INSERT OR IGNORE INTO otel_trace_processes VALUES (?, ?)", (shared, process.row))
        process.traces[trace.root] = shared
        return shared
