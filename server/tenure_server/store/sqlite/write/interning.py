"""From a batch's tables to rows of the store's: what is known already costs a look into a dictionary.

The caches belong to the writer alone. They are forgotten whenever a transaction is undone or rows are deleted.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Mapping

import msgspec

from tenure import wire
from tenure_server.limits import MAX_SEQUENCES_AHEAD
from tenure_server.store.sqlite.file import keys, time_order
from tenure_server.store.sqlite.file.clock_skew import ProcessClock
from tenure_server.store.sqlite.file.schema import USED_NS

# A row that was deleted is never used again: what still names it, in the outbox, would be taken for the new process's.
_NEXT_ROW = (
    "(SELECT max(ifnull(max(process), 0), ifnull((SELECT max(deleted) FROM process_rows), 0)) + 1 FROM processes)"
)
_NOBODY: CancellerFacts = (0, 0, "", 0)
_MAX_PROCESSES = 256
_MAX_ENTRIES = 50_000  # of one table of one process

ResourceFacts = tuple[str, str, int | None, str]
CancellerFacts = tuple[int, int, str, int]  # 1, key of the task, means, site: columns of an exception
TaskFacts = tuple[str, int | None, int | None, int, int | None]


class KnownProcess:
    """What the writer knows of one process."""

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
        self.contiguous = contiguous  # every batch up to this one is stored, or lost for good
        self.ahead = ahead
        self.dropped = dropped
        self.clock = clock
        self.highest = (0, 0)  # of its lifecycles that came, and the latest begin of one up to it, by its own clock
        self.is_unordered = False  # as the table of this name has it
        self.latest_ns = latest_ns  # the latest instant that it told of, by its own clock
        self.resources: dict[int, ResourceFacts] = {}
        self.tasks: dict[int, TaskFacts] = {}
        self.traces: dict[int, int] = {}  # root -> key of its trace, where an OpenTelemetry id may say another

    def has(self, sequence: int) -> bool:
        return sequence <= self.contiguous or sequence in self.ahead

    def note_latest(self, latest_ns: int, now_ns: int) -> None:
        """A batch came now whose latest instant was this; 0: it told of nothing."""
        if latest_ns:
            self.latest_ns = max(self.latest_ns, latest_ns)
            self.clock.note(latest_ns, now_ns)

    def trim(self) -> None:
        for table in (self.resources, self.tasks, self.traces):
            if len(table) > _MAX_ENTRIES:
                table.clear()


class Interning:
    """Finds or makes the rows that a batch's tables name."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._processes: OrderedDict[bytes, KnownProcess] = OrderedDict()
        self._clocks: OrderedDict[bytes, ProcessClock] = OrderedDict()  # never out of date, so never forgotten
        self._sites: dict[wire.Site, int] = {}
        self._exceptions: dict[tuple[wire.ExceptionInfo, CancellerFacts], tuple[int, int]] = {}  # row, used_ns

    def forget(self) -> None:
        self._processes.clear()
        self._sites.clear()
        self._exceptions.clear()

    def forget_traces(self) -> None:
        """Traces were deleted: who goes on with one has to make it again."""
        for known in self._processes.values():
            known.traces.clear()

    def process(self, header: wire.Process, now_ns: int) -> KnownProcess:
        known = self._processes.get(header.id)
        if known is None:
            known = self._load_process(header.id) or self._new_process(header, now_ns)
            self._processes[header.id] = known
            if len(self._processes) > _MAX_PROCESSES:
                self._processes.popitem(last=False)
        self._processes.move_to_end(header.id)
        known.trim()
        return known

    def _load_process(self, process_id: bytes) -> KnownProcess | None:
        found = self._connection.execute(
            "SELECT process, contiguous, dropped, latest_ns, skew_ns FROM processes WHERE id = ?", (process_id,)
        ).fetchone()
        if found is None:
            return None
        row, contiguous, dropped, latest_ns, skew_ns = found
        ahead = self._connection.execute("SELECT sequence FROM batches_ahead WHERE process = ?", (row,))
        lost = msgspec.msgpack.decode(dropped, type=dict[str, int])
        clock = self._clock(process_id, skew_ns)
        known = KnownProcess(row, contiguous, {n for (n,) in ahead}, lost, clock=clock, latest_ns=latest_ns)
        key, acquire_ns = time_order.highest(self._connection, "lifecycles", "acquire_ns", row)
        known.highest = keys.number_of(key), acquire_ns
        known.is_unordered = time_order.is_unordered(self._connection, row)
        return known

    def note_unordered(self, known: KnownProcess) -> None:
        """The order of a process's keys is no longer that of time."""
        if not known.is_unordered:
            self._connection.execute("INSERT INTO unordered VALUES (?)", (known.row,))
            known.is_unordered = True

    def _clock(self, process_id: bytes, skew_ns: int) -> ProcessClock:
        clock = self._clocks.setdefault(process_id, ProcessClock(skew_ns))
        if len(self._clocks) > _MAX_PROCESSES:
            self._clocks.popitem(last=False)
        return clock

    def _new_process(self, header: wire.Process, now_ns: int) -> KnownProcess:
        cursor = self._connection.execute(
            f"INSERT INTO processes VALUES ({_NEXT_ROW}, ?, ?, ?, ?, ?, ?, ?, 0, ?, 0, 0, 0, 0)",  # noqa: S608 -- our own words
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

    def seen(self, known: KnownProcess, sequence: int) -> None:
        """Remember the batch. A gap that a thousand later batches have not closed counts as lost."""
        known.ahead.add(sequence)
        if len(known.ahead) > MAX_SEQUENCES_AHEAD:
            known.contiguous = min(known.ahead)
        while known.contiguous + 1 in known.ahead:
            known.contiguous += 1
        past = {n for n in known.ahead if n <= known.contiguous}
        known.ahead -= past
        if sequence in known.ahead:
            self._connection.execute("INSERT OR IGNORE INTO batches_ahead VALUES (?, ?)", (known.row, sequence))
        if past - {sequence}:
            self._connection.execute(
                "DELETE FROM batches_ahead WHERE process = ? AND sequence <= ?", (known.row, known.contiguous)
            )

    def sites(self, sites: list[wire.Site]) -> list[int]:
        return [self._sites.get(site) or self._site(site) for site in sites]

    def _site(self, site: wire.Site) -> int:
        values = (site.file, site.line, site.function, site.expression, site.enter, site.exit)
        self._connection.execute("INSERT OR IGNORE INTO sites VALUES (NULL, ?, ?, ?, ?, ?, ?)", values)
        row: int
        (row,) = self._connection.execute(
            "SELECT site FROM sites WHERE (file, line, function, expression, enter, exit) = (?, ?, ?, ?, ?, ?)", values
        ).fetchone()
        if len(self._sites) > _MAX_ENTRIES:
            self._sites.clear()
        self._sites[site] = row
        return row

    def cancellers(self, known: KnownProcess, batch: wire.Batch, sites: list[int]) -> dict[int, CancellerFacts]:
        """Who asked for what some of the batch's exceptions tell of, by number."""
        found = {}
        for exception, task, via, site in map(msgspec.structs.astuple, batch.cancellers):
            key = keys.key(known.row, batch.tasks[task - 1].id) if task else 0
            found[exception] = 1, key, via, sites[site - 1] if site else 0
        return found

    def exceptions(
        self, exceptions: list[wire.ExceptionInfo], now_ns: int, cancellers: Mapping[int, CancellerFacts]
    ) -> list[int]:
        """The rows, by number: the first entry is 0, for none."""
        rows = [0]
        for number, exception in enumerate(exceptions, 1):
            canceller = cancellers.get(number, _NOBODY)
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

    def resources(self, known: KnownProcess, resources: list[wire.Resource]) -> list[int]:
        rows = []
        for resource in resources:
            facts = (resource.kind, resource.name, resource.capacity, resource.stereotype)
            if known.resources.get(resource.id) != facts:
                known.resources[resource.id] = facts
                rows.append((keys.key(known.row, resource.id), *facts))
        if rows:
            self._connection.executemany(
                "INSERT INTO resources VALUES (?, ?, ?, ?, ?, 0, 0, x'80', x'80', 0) ON CONFLICT (key) DO UPDATE SET"
                " kind = excluded.kind, name = excluded.name, capacity = excluded.capacity,"
                " stereotype = excluded.stereotype",
                rows,
            )
        return [keys.key(known.row, resource.id) for resource in resources]

    def tasks(self, known: KnownProcess, tasks: list[wire.Task], offset_ns: int, exceptions: list[int]) -> list[int]:
        """Their keys. What is known once stays: a later batch may only add to it, or give a task its name."""
        rows = []
        for task in tasks:
            exception = exceptions[task.exception] or None
            facts = (task.name, task.created_ns, task.finished_ns, task.outcome, exception)
            if known.tasks.get(task.id) == facts:
                continue
            known.tasks[task.id] = facts
            rows.append(
                (
                    keys.key(known.row, task.id),
                    task.name,
                    task.coroutine,
                    task.kind,
                    keys.key(known.row, task.parent) if task.parent else None,
                    task.created_in or None,
                    None if task.created_ns is None else task.created_ns + offset_ns,
                    None if task.finished_ns is None else task.finished_ns + offset_ns,
                    task.outcome,
                    exception,
                )
            )
        if rows:
            self._connection.executemany(
                "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL, NULL) ON CONFLICT (key) DO UPDATE SET"
                " name = iif(finished_ns IS NULL, excluded.name, name), parent = coalesce(parent, excluded.parent),"
                " created_in = coalesce(created_in, excluded.created_in),"
                " created_ns = coalesce(created_ns, excluded.created_ns),"
                " finished_ns = coalesce(finished_ns, excluded.finished_ns), outcome = max(outcome, excluded.outcome),"
                " exception = coalesce(exception, excluded.exception)",
                rows,
            )
        return [keys.key(known.row, task.id) for task in tasks]

    def traces(self, known: KnownProcess, traces: list[wire.Trace]) -> list[int]:
        return [
            keys.key(known.row, trace.root)
            if not trace.link and trace.otel_trace_id is None and trace.otel_parent_id is None
            else known.traces.get(trace.root) or self._trace(known, trace)
            for trace in traces
        ]

    def _trace(self, known: KnownProcess, trace: wire.Trace) -> int:
        """A root that is linked or belongs to an OpenTelemetry trace, which may have other roots and processes."""
        own = keys.key(known.row, trace.root)
        self._connection.execute(
            "INSERT OR IGNORE INTO roots VALUES (?, ?, ?, ?)",
            (own, trace.link or None, trace.otel_trace_id, trace.otel_parent_id),
        )
        known.traces[trace.root] = own
        if trace.otel_trace_id is None:
            return own
        self._connection.execute("INSERT OR IGNORE INTO otel_traces VALUES (?, ?)", (trace.otel_trace_id, own))
        shared: int
        (shared,) = self._connection.execute(
            "SELECT trace FROM otel_traces WHERE id = ?", (trace.otel_trace_id,)
        ).fetchone()
        self._connection.execute("INSERT OR IGNORE INTO otel_trace_processes VALUES (?, ?)", (shared, known.row))
        known.traces[trace.root] = shared
        return shared
