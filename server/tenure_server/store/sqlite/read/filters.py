"""From a query to its rows: which processes to read, and under which conditions."""

from __future__ import annotations

import sqlite3

from tenure import wire
from tenure_server.store.protocol import LifecycleQuery
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.key_scan import RowSelection
from tenure_server.store.sqlite.file.rows import INTERNAL

NOT_INTERNAL = f"outcomes & {INTERNAL} = 0"


class PublicIds:
    """Finds the rows of public ids. For an unknown id the answer is None, or an empty set."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all_processes(self) -> set[int]:
        return {process for (process,) in self._connection.execute("SELECT process FROM processes")}

    def process(self, process_id: str) -> int | None:
        parsed = keys.parse_hex(process_id)
        row = parsed and self._connection.execute("SELECT process FROM processes WHERE id = ?", (parsed,)).fetchone()
        return row[0] if row else None

    def key(self, public_id: str) -> int | None:
        """The key of a lifecycle, task or resource of a known process. The row itself may not be stored."""
        parsed = keys.parse_id(public_id)
        process = parsed and self.process(parsed[0].hex())
        return keys.key(process, parsed[1]) if parsed and process else None

    def is_stored(self, table: str, key: int | None) -> bool:
        sql = f"SELECT 1 FROM {table} WHERE key = ?"  # noqa: S608 -- constant names
        return key is not None and self._connection.execute(sql, (key,)).fetchone() is not None

    def trace(self, trace_id: str) -> tuple[int, set[int]] | None:
        """The trace's key and the processes that take part in it."""
        parsed = keys.parse_hex(trace_id)
        if parsed is None:
            return None
        row = self._connection.execute("SELECT trace FROM otel_traces WHERE id = ?", (parsed,)).fetchone()
        if row:
            sharing = self._connection.execute("SELECT process FROM otel_trace_processes WHERE trace = ?", row)
            return row[0], {process for (process,) in sharing}
        for process, process_id in self._connection.execute("SELECT process, id FROM processes"):
            root = keys.root_of(parsed, process_id)
            if root is not None and self.is_stored("traces", keys.key(process, root)):
                return keys.key(process, root), {process}
        return None


def select_lifecycles(connection: sqlite3.Connection, query: LifecycleQuery, now_ns: int) -> RowSelection:
    """The rows of a query, except for its window and for phases that depend on whether a process is alive."""
    ids = PublicIds(connection)
    selection = RowSelection(ids.all_processes())
    if query.process is not None:
        process = ids.process(query.process)
        selection.restrict_to([] if process is None else [process])
    for column, public_id in (("key", query.id), ("resource", query.resource), ("task", query.task)):
        if public_id is not None:
            key = ids.key(public_id)
            selection.restrict_to([] if key is None else [keys.process_of(key)])
            selection.add(f"{column} = ?", key)
            if column == "task" and key is not None:
                _narrow_to_task(connection, selection, key)
    if query.trace is not None:
        trace = ids.trace(query.trace)
        selection.restrict_to([] if trace is None else trace[1])
        selection.add("trace = ?", None if trace is None else trace[0])
    if not query.internal and query.id is None:
        selection.add(NOT_INTERNAL)
    _add_phase(selection, query)
    _add_outcome(selection, query)
    if query.status is not None:
        selection.add("status = ?", query.status)
    if query.min_wait_ns is not None:
        selection.add(
            "coalesce(wait_ns, iif(release_ns IS NULL, ? - acquire_ns, release_ns)) >= ?", now_ns, query.min_wait_ns
        )
    if query.min_hold_ns is not None:
        selection.add(
            "wait_ns IS NOT NULL AND coalesce(hold_ns, ? - acquire_ns - wait_ns) >= ?", now_ns, query.min_hold_ns
        )
    return selection


def _narrow_to_task(connection: sqlite3.Connection, selection: RowSelection, task: int) -> None:
    bounds = connection.execute("SELECT first, last FROM tasks WHERE key = ? AND first IS NOT NULL", (task,)).fetchone()
    if bounds:
        selection.add("key BETWEEN ? AND ?", *bounds)


def _add_phase(selection: RowSelection, query: LifecycleQuery) -> None:
    match query.phase:
        case None:
            return
        case "closed":
            selection.add("release_ns IS NOT NULL")
        case "acquiring":
            selection.add("release_ns IS NULL AND wait_ns IS NULL")
        case "held":
            selection.add("release_ns IS NULL AND wait_ns IS NOT NULL AND hold_ns IS NULL")
        case "releasing":
            selection.add("release_ns IS NULL AND hold_ns IS NOT NULL")
        case "abandoned":
            selection.add("release_ns IS NULL")


def _add_outcome(selection: RowSelection, query: LifecycleQuery) -> None:
    if query.outcome is None:
        return
    phases = ["outcomes & 3", f"outcomes >> {wire.BODY_SHIFT} & 3", f"outcomes >> {wire.RELEASE_SHIFT} & 3"]
    if query.outcome == "ok":
        selection.add("release_ns IS NOT NULL")
        selection.add(f"NOT ({' OR '.join(f'({phase}) > {wire.OK}' for phase in phases)})")
    else:
        code = wire.OUTCOMES.index(query.outcome)
        selection.add("(" + " OR ".join(f"({phase}) = {code}" for phase in phases) + ")")
