"""From rows to records. What many rows share is read once, and its record is shared."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

from tenure import wire
from tenure_server.model.records import (
    Canceller,
    ExceptionInfo,
    HeldAround,
    Lifecycle,
    Outcome,
    Phase,
    ResourceRef,
    Site,
    Task,
    TaskRef,
)
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.key_scan import MakeRow
from tenure_server.store.sqlite.file.liveness import Liveness
from tenure_server.store.sqlite.file.rows import INTERNAL, PROPAGATED, LifecycleRow
from tenure_server.store.sqlite.read.table_rows import (
    ExceptionRow,
    ResourceRow,
    SiteRow,
    TaskHome,
    TaskNameRow,
    TaskRow,
    TraceRow,
)

Row = TypeVar("Row")

_CHUNK = 500  # values in one IN (...)


class Root(NamedTuple):
    """What a root has beside its lifecycle; as in ``records.Lifecycle``."""

    otel_parent: str | None
    held_around: HeldAround | None


_NO_ROOT = Root(None, None)
_NO_HOME = TaskHome(None, None)
# They stand for rows that a damaged file lacks. In a sound file every reference has its row, see ``references``.
_NO_PROCESS = (bytes(16), "", 1, 0)
_NO_SITE = Site("", 0, "", "")
_NO_PARENTS: Mapping[int, str] = {}
_NO_ROOTS: Mapping[int, Root] = {}


class ProcessFacts:
    """What records have of their process."""

    __slots__ = ("alive", "hex", "id", "last_seen_ns", "service")

    def __init__(self, process_id: bytes, service: str, last_seen_ns: int, alive: bool) -> None:
        self.id = process_id
        self.hex = process_id.hex()
        self.service = service
        self.last_seen_ns = last_seen_ns
        self.alive = alive


class RowDecoder:
    """Makes records from rows, within one snapshot of the store."""

    def __init__(self, connection: sqlite3.Connection, liveness: Liveness) -> None:
        self._connection = connection
        self._liveness = liveness
        self._processes: dict[int, ProcessFacts] = {}
        self._tasks: dict[int, TaskRef] = {}
        self._task_homes: dict[int, TaskHome] = {}
        self._resources: dict[int, ResourceRef] = {}
        self._sites: dict[int, Site] = {}
        self._exceptions: dict[int | None, ExceptionInfo] = {}
        self._traces: dict[int, str] = {}

    def public_id(self, key: int) -> str:
        return f"{self.process(keys.process_of(key)).hex}-{keys.number_of(key)}"

    def process(self, row: int) -> ProcessFacts:
        facts = self._processes.get(row)
        if facts is None:
            stored = self._connection.execute(
                "SELECT id, service, ended, last_seen_ns FROM processes WHERE process = ?", (row,)
            ).fetchone()
            process_id, service, ended, last_seen_ns = stored or _NO_PROCESS
            facts = ProcessFacts(process_id, service, last_seen_ns, self._liveness.is_alive(ended, last_seen_ns))
            self._processes[row] = facts
        return facts

    def task_refs(self, wanted: Iterable[int]) -> dict[int, TaskRef]:
        """By key. This and the methods below answer what they have read so far: the wanted ones are among it."""
        wanted = set(wanted)
        sql = "SELECT key, name, loop, thread FROM tasks WHERE key IN"
        for row in self._unread(sql, wanted, self._tasks, TaskNameRow._make):
            self._tasks[row.key] = TaskRef(self.public_id(row.key), row.name)
            self._task_homes[row.key] = TaskHome(row.loop or None, row.thread or None)
        for key in wanted - self._tasks.keys():
            self._tasks[key] = TaskRef(self.public_id(key), "")
        return self._tasks

    def resource_refs(self, wanted: Iterable[int]) -> dict[int, ResourceRef]:
        """By key."""
        wanted = set(wanted)
        sql = "SELECT key, kind, name, capacity, stereotype FROM resources WHERE key IN"
        for row in self._unread(sql, wanted, self._resources, ResourceRow._make):
            public_id = self.public_id(row.key)
            self._resources[row.key] = ResourceRef(public_id, row.kind, row.name, row.capacity, row.stereotype)
        for key in wanted - self._resources.keys():
            self._resources[key] = ResourceRef(self.public_id(key), "", "", None)
        return self._resources

    def sites(self, wanted: Iterable[int]) -> dict[int, Site]:
        """By row."""
        wanted = set(wanted)
        sql = "SELECT site, file, line, function, expression, enter, exit FROM sites WHERE site IN"
        for row in self._unread(sql, wanted, self._sites, SiteRow._make):
            self._sites[row.site] = Site(row.file, row.line, row.function, row.expression, row.enter, row.exit)
        for site in wanted - self._sites.keys():
            self._sites[site] = _NO_SITE
        return self._sites

    def exceptions(self, wanted: Iterable[int | None]) -> dict[int | None, ExceptionInfo]:
        """By row; None has no exception."""
        sql = (
            "SELECT exception, type, message, cancelled, canceller, via, cancelled_at FROM exceptions"
            " WHERE exception IN"
        )
        numbers = {number for number in wanted if number is not None}
        rows = list(self._unread(sql, numbers, self._exceptions, ExceptionRow._make))
        cancelled = [row for row in rows if row.cancelled]
        tasks = self.task_refs(row.canceller for row in cancelled if row.canceller)
        sites = self.sites(row.cancelled_at for row in cancelled if row.cancelled_at)
        for row in rows:
            canceller = Canceller(tasks.get(row.canceller), row.via, sites.get(row.cancelled_at))
            self._exceptions[row.exception] = ExceptionInfo(row.type, row.message, canceller if row.cancelled else None)
        return self._exceptions

    def trace_ids(self, wanted: Iterable[int]) -> dict[int, str]:
        """By key."""
        missing = {key for key in wanted if key not in self._traces}
        sql = "SELECT key, otel_id FROM traces WHERE otel_id IS NOT NULL AND key IN"
        for row in self._unread(sql, missing, self._traces, TraceRow._make):
            self._traces[row.key] = row.otel_id.hex()
        for key in missing - self._traces.keys():
            self._traces[key] = wire.trace_id(self.process(keys.process_of(key)).id, keys.number_of(key))
        return self._traces

    def _unread(self, sql: str, wanted: Iterable[int], known: Container[object], make: MakeRow[Row]) -> Iterator[Row]:
        return in_chunks(self._connection, sql, sorted({key for key in wanted if key not in known}), make)

    def lifecycles(
        self,
        rows: Sequence[LifecycleRow],
        parents: Mapping[int, str] = _NO_PARENTS,
        roots: Mapping[int, Root] = _NO_ROOTS,
    ) -> list[Lifecycle]:
        """Records of the rows.

        ``parents``, by key, are public ids of parents that no row has (see ``span_parents``); ``roots``: see there.
        """
        traces = self.trace_ids(row.trace for row in rows)
        tasks = self.task_refs(chain((row.task for row in rows), (row.released_by for row in rows if row.released_by)))
        homes = self._task_homes
        resources = self.resource_refs(row.resource for row in rows)
        sites = self.sites(row.site for row in rows)
        exceptions = self.exceptions(number for row in rows for number in (row.body_exception, row.exception))
        records = []
        # One by one a named tuple's fields cost more than all of them unpacked, and a diagram has thousands of rows.
        for (
            key,
            parent,
            trace,
            task,
            resource,
            site,
            acquire_ns,
            wait,
            hold,
            release,
            outcomes,
            body,
            own,
            status,
            released_by,
        ) in rows:
            process = self.process(key >> keys.NUMBER_BITS)
            acquired_ns = None if wait is None else acquire_ns + wait
            release_ns = None if hold is None else (acquired_ns or acquire_ns) + hold
            released_ns = None if release is None else (release_ns or acquired_ns or acquire_ns) + release
            body_exception = exceptions.get(body)
            raised = exceptions.get(own)
            root = roots.get(key, _NO_ROOT)
            records.append(
                Lifecycle(
                    id=f"{process.hex}-{key & keys.NUMBERS}",
                    process=process.hex,
                    service=process.service,
                    trace=traces[trace],
                    parent=f"{process.hex}-{parent}" if parent else parents.get(key),
                    phase=phase_of(wait, hold, release, process.alive),
                    suppressed=bool(outcomes & wire.SUPPRESSED),
                    task=tasks[task],
                    resource=resources[resource],
                    site=sites[site],
                    acquire_ns=acquire_ns,
                    acquired_ns=acquired_ns,
                    release_ns=release_ns,
                    released_ns=released_ns,
                    acquire_outcome=outcome_of(outcomes),
                    body_outcome=outcome_of(outcomes >> wire.BODY_SHIFT),
                    release_outcome=outcome_of(outcomes >> wire.RELEASE_SHIFT),
                    exception=raised or body_exception,
                    body_exception=body_exception,
                    raised=raised,
                    otel_parent=root.otel_parent,
                    held_around=root.held_around,
                    status=status or None,
                    internal=bool(outcomes & INTERNAL),
                    propagated=bool(outcomes & PROPAGATED),
                    released_by=tasks.get(released_by) if released_by else None,
                    loop=homes.get(task, _NO_HOME).loop,
                    thread=homes.get(task, _NO_HOME).thread,
                )
            )
        return records

    def tasks(self, wanted: Iterable[int]) -> dict[str, Task]:
        """The tasks, and those that created them, by id."""
        sql = f"SELECT {', '.join(TaskRow._fields)} FROM tasks WHERE key IN"  # noqa: S608 -- constant names
        records: dict[str, Task] = {}
        missing = set(wanted)
        while missing:
            rows = list(self._unread(sql, missing, (), TaskRow._make))
            exceptions = self.exceptions(row.exception for row in rows)
            for row in rows:
                process = self.process(keys.process_of(row.key)).hex
                task_id = f"{process}-{keys.number_of(row.key)}"
                records[task_id] = Task(
                    id=task_id,
                    process=process,
                    name=row.name,
                    coroutine=row.coroutine,
                    kind=row.kind,
                    parent=None if row.parent is None else f"{process}-{keys.number_of(row.parent)}",
                    created_in=None if row.created_in is None else f"{process}-{row.created_in}",
                    created_ns=row.created_ns,
                    finished_ns=row.finished_ns,
                    outcome=outcome_of(row.outcome),
                    exception=exceptions.get(row.exception),
                )
            parents = {row.parent for row in rows if row.parent is not None}
            missing = {parent for parent in parents if self.public_id(parent) not in records}
        return records


def in_chunks(connection: sqlite3.Connection, sql: str, wanted: Collection[int], make: MakeRow[Row]) -> Iterator[Row]:
    """The rows that ``sql``, which ends in ``IN``, finds for the keys: a statement for every _CHUNK of them."""
    ordered = list(wanted)
    for start in range(0, len(ordered), _CHUNK):
        chunk = ordered[start : start + _CHUNK]
        yield from map(make, connection.execute(f"{sql} ({','.join('?' * len(chunk))})", chunk))


def outcome_of(code: int) -> Outcome | None:
    """The outcome in the two lowest bits."""
    return wire.OUTCOMES[code & 3]


def phase_of(wait_ns: int | None, hold_ns: int | None, release_ns: int | None, alive: bool) -> Phase:
    if release_ns is not None:
        return "closed"
    if not alive:
        return "abandoned"
    if hold_ns is not None:
        return "releasing"
    return "acquiring" if wait_ns is None else "held"
