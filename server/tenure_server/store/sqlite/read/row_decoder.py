"""From rows to records: what many rows share is looked up once and shared by the records."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

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
from tenure_server.store.sqlite.file.key_scan import RawRow
from tenure_server.store.sqlite.file.liveness import Liveness

_CHUNK = 500  # values in one IN (...)


class Root(NamedTuple):
    """What a root has beyond its lifecycle; as in ``records.Lifecycle``."""

    otel_parent: str | None
    held_around: HeldAround | None


_NO_ROOT = Root(None, None)
# What stands for a row that a damaged file lacks. In a sound one every reference leads somewhere, see ``references``.
_NO_PROCESS = (bytes(16), "", 1, 0)
_NO_SITE = Site("", 0, "", "")
_NOBODY: Mapping[int, Any] = {}


class ProcessFacts:
    """What the records of a process say of it."""

    __slots__ = ("alive", "hex", "id", "last_seen_ns", "service")

    def __init__(self, process_id: bytes, service: str, last_seen_ns: int, alive: bool) -> None:
        self.id = process_id
        self.hex = process_id.hex()
        self.service = service
        self.last_seen_ns = last_seen_ns
        self.alive = alive


class Assembly:
    """Makes records from rows, within one reading of the store."""

    def __init__(self, connection: sqlite3.Connection, aliveness: Liveness) -> None:
        self._connection = connection
        self._aliveness = aliveness
        self._processes: dict[int, ProcessFacts] = {}
        self._tasks: dict[int, TaskRef] = {}
        self._resources: dict[int, ResourceRef] = {}
        self._sites: dict[int, Site] = {}
        self._exceptions: dict[int, ExceptionInfo] = {}
        self._traces: dict[int, str] = {}

    def public_id(self, key: int) -> str:
        return f"{self.process(keys.process_of(key)).hex}-{keys.number_of(key)}"

    def process(self, row: int) -> ProcessFacts:
        known = self._processes.get(row)
        if known is None:
            found = self._connection.execute(
                "SELECT id, service, ended, last_seen_ns FROM processes WHERE process = ?", (row,)
            ).fetchone()
            process_id, service, ended, last_seen_ns = found or _NO_PROCESS
            known = ProcessFacts(process_id, service, last_seen_ns, self._aliveness.is_alive(ended, last_seen_ns))
            self._processes[row] = known
        return known

    def task_refs(self, wanted: Iterable[int]) -> dict[int, TaskRef]:
        keys_wanted = set(wanted)
        for key, name in self._missing("SELECT key, name FROM tasks WHERE key IN", keys_wanted, self._tasks):
            self._tasks[key] = TaskRef(self.public_id(key), name)
        for key in keys_wanted - self._tasks.keys():
            self._tasks[key] = TaskRef(self.public_id(key), "")
        return self._tasks

    def resource_refs(self, wanted: Iterable[int]) -> dict[int, ResourceRef]:
        sql = "SELECT key, kind, name, capacity, stereotype FROM resources WHERE key IN"
        keys_wanted = set(wanted)
        for key, *facts in self._missing(sql, keys_wanted, self._resources):
            self._resources[key] = ResourceRef(self.public_id(key), *facts)
        for key in keys_wanted - self._resources.keys():
            self._resources[key] = ResourceRef(self.public_id(key), "", "", None)
        return self._resources

    def sites(self, wanted: Iterable[int]) -> dict[int, Site]:
        sql = "SELECT site, file, line, function, expression, enter, exit FROM sites WHERE site IN"
        rows_wanted = set(wanted)
        for row, *facts in self._missing(sql, rows_wanted, self._sites):
            self._sites[row] = Site(*facts)
        for row in rows_wanted - self._sites.keys():
            self._sites[row] = _NO_SITE
        return self._sites

    def exceptions(self, wanted: Iterable[int | None]) -> dict[int, ExceptionInfo]:
        sql = (
            "SELECT exception, type, message, cancelled, canceller, via, cancelled_at FROM exceptions"
            " WHERE exception IN"
        )
        rows = list(self._missing(sql, (row for row in wanted if row is not None), self._exceptions))
        cancelled = [row for row in rows if row[3]]
        tasks = self.task_refs(row[4] for row in cancelled if row[4])
        sites = self.sites(row[6] for row in cancelled if row[6])
        for row, kind, message, is_cancelled, task, via, site in rows:
            canceller = Canceller(tasks.get(task), via, sites.get(site)) if is_cancelled else None
            self._exceptions[row] = ExceptionInfo(kind, message, canceller)
        return self._exceptions

    def trace_ids(self, wanted: Iterable[int]) -> dict[int, str]:
        missing = {key for key in wanted if key not in self._traces}
        sql = "SELECT key, otel_id FROM traces WHERE otel_id IS NOT NULL AND key IN"
        for key, otel_id in self._missing(sql, missing, self._traces):
            self._traces[key] = otel_id.hex()
        for key in missing - self._traces.keys():
            self._traces[key] = wire.trace_id(self.process(keys.process_of(key)).id, keys.number_of(key))
        return self._traces

    def _missing(self, sql: str, wanted: Iterable[int], known: Container[int]) -> Iterable[RawRow]:
        missing = sorted({value for value in wanted if value not in known})
        for start in range(0, len(missing), _CHUNK):
            some = missing[start : start + _CHUNK]
            yield from self._connection.execute(f"{sql} ({','.join('?' * len(some))})", some)

    def lifecycles(
        self, rows: Sequence[RawRow], parents: Mapping[int, str] = _NOBODY, roots: Mapping[int, Root] = _NOBODY
    ) -> list[Lifecycle]:
        """``parents``, by key, are those that are known beyond the process; see ``lineage``. ``roots``: see there."""
        traces = self.trace_ids(row[2] for row in rows)
        tasks = self.task_refs(row[3] for row in rows)
        resources = self.resource_refs(row[4] for row in rows)
        sites = self.sites(row[5] for row in rows)
        exceptions = self.exceptions(number for row in rows for number in row[11:13])
        records = []
        for key, parent, trace, task, resource, site, acquire_ns, wait, hold, release, outcomes, body, own in rows:
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
                )
            )
        return records

    def tasks(self, wanted: Iterable[int]) -> dict[str, Task]:
        """The tasks, and those that created them, by id."""
        records: dict[str, Task] = {}
        missing = set(wanted)
        while missing:
            sql = (
                "SELECT key, name, coroutine, kind, parent, created_in, created_ns, finished_ns, outcome, exception"
                " FROM tasks WHERE key IN"
            )
            rows = list(self._missing(sql, missing, ()))
            exceptions = self.exceptions(row[9] for row in rows)
            for key, name, coroutine, kind, parent, created_in, created_ns, finished_ns, outcome, exception in rows:
                process = self.process(keys.process_of(key)).hex
                task_id = f"{process}-{keys.number_of(key)}"
                records[task_id] = Task(
                    id=task_id,
                    process=process,
                    name=name,
                    coroutine=coroutine,
                    kind=kind,
                    parent=None if parent is None else f"{process}-{keys.number_of(parent)}",
                    created_in=None if created_in is None else f"{process}-{created_in}",
                    created_ns=created_ns,
                    finished_ns=finished_ns,
                    outcome=outcome_of(outcome),
                    exception=exceptions.get(exception),
                )
            missing = {row[4] for row in rows if row[4] is not None and self.public_id(row[4]) not in records}
        return records


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
