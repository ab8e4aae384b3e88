"""The columns that refer to rows of other tables, and what happens when those rows are deleted.

Only ``retention`` deletes rows, and it follows this list. SQLite would look up a foreign key for each row that is
written, and needs an index on every such column for deleting: two indexes more on ``lifecycles``, which is too slow.

A reference that is not listed here may have no row: the parent of a lifecycle or a task, the link of a root, the first
lifecycle of a trace, the keys in the outbox. The code that reads these handles a missing row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from tenure_server.store.sqlite.file import keys, time_order

_OF_PROCESS = f"key >> {keys.NUMBER_BITS}"


class Reference(NamedTuple):
    """``value``, an expression over the columns of ``table``, is null, 0, or the ``key`` of a row of ``target``."""

    table: str
    value: str
    target: str
    key: str

    @property
    def dangling(self) -> str:
        """The condition under which a row of ``table`` names a row that does not exist."""
        return f"{self.value} <> 0 AND {self.value} NOT IN (SELECT {self.key} FROM {self.target})"  # noqa: S608 -- fixed names, no input


# Rows that only add facts to another row are deleted with it.
BELONGING = (
    Reference("batches_ahead", "process", "processes", "process"),
    Reference("unordered", "process", "processes", "process"),
    Reference("span_processes", "process", "processes", "process"),
    Reference("otel_trace_processes", "process", "processes", "process"),
    Reference("otel_trace_processes", "trace", "traces", "key"),
    Reference("otel_traces", "trace", "traces", "key"),
    Reference("series", "process", "processes", "process"),
    Reference("series_resources", "resource", "resources", "key"),
    Reference("series_resources", "series", "series", "series"),
    Reference("pools", "resource", "resources", "key"),
    Reference("awaits", "task", "tasks", "key"),
    Reference("stalls", "process", "processes", "process"),
)
# Rows that are kept as long as another row refers to them.
NEEDED = (
    Reference("resources", _OF_PROCESS, "processes", "process"),
    Reference("tasks", _OF_PROCESS, "processes", "process"),
    Reference("tasks", "exception", "exceptions", "exception"),
    Reference("traces", _OF_PROCESS, "processes", "process"),
    Reference("roots", _OF_PROCESS, "processes", "process"),
    Reference("exceptions", "canceller", "tasks", "key"),
    Reference("exceptions", "cancelled_at", "sites", "site"),
    Reference("lifecycles", _OF_PROCESS, "processes", "process"),
    Reference("lifecycles", "trace", "traces", "key"),
    Reference("lifecycles", "task", "tasks", "key"),
    Reference("lifecycles", "resource", "resources", "key"),
    Reference("lifecycles", "released_by", "tasks", "key"),
    Reference("awaits", "site", "sites", "site"),
    Reference("awaits", "resource", "resources", "key"),
    Reference("stalls", "task", "tasks", "key"),
    Reference("stalls", "site", "sites", "site"),
    Reference("lifecycles", "site", "sites", "site"),
    Reference("lifecycles", "body_exception", "exceptions", "exception"),
    Reference("lifecycles", "exception", "exceptions", "exception"),
)


def delete_dangling(connection: sqlite3.Connection) -> None:
    """Delete rows that belong to deleted ones, in the current transaction."""
    for reference in BELONGING:
        connection.execute(f"DELETE FROM {reference.table} WHERE {reference.dangling}")  # noqa: S608 -- our own words


def adopt_traces(connection: sqlite3.Connection, orphans: Sequence[int]) -> None:
    """Give traces of a deleted process the key of their oldest lifecycle; delete traces without lifecycles."""
    execute = connection.execute
    for orphan in orphans:
        oldest = execute(
            "SELECT key, acquire_ns FROM lifecycles WHERE trace = ? ORDER BY acquire_ns, key LIMIT 1", (orphan,)
        ).fetchone()
        if oldest is None:
            execute("DELETE FROM traces WHERE key = ?", (orphan,))
            continue
        key, began_ns = oldest
        execute(
            "UPDATE OR REPLACE traces SET key = ?1, start_ns = ?2, first = ?1, first_ns = ?2, order_ns = ?4"
            " WHERE key = ?3",
            (key, began_ns, orphan, time_order.place_trace(connection, key, began_ns)),
        )
        execute("UPDATE lifecycles SET trace = ? WHERE trace = ?", (key, orphan))
        execute("UPDATE otel_traces SET trace = ?1 WHERE id = (SELECT otel_id FROM traces WHERE key = ?1)", (key,))
        execute("UPDATE OR IGNORE otel_trace_processes SET trace = ? WHERE trace = ?", (key, orphan))


def mend(connection: sqlite3.Connection) -> None:
    """Repair references that earlier versions left without a row, in the current transaction."""
    known = "SELECT process FROM processes"
    orphans = connection.execute(f"SELECT key FROM traces WHERE {_OF_PROCESS} NOT IN ({known})")  # noqa: S608 -- our own words
    adopt_traces(connection, [key for (key,) in orphans.fetchall()])
    for reference in NEEDED:
        if reference.target == "exceptions":
            connection.execute(f"UPDATE {reference.table} SET {reference.value} = NULL WHERE {reference.dangling}")  # noqa: S608 -- our own words
    for table in ("tasks", "resources", "roots"):
        connection.execute(f"DELETE FROM {table} WHERE {_OF_PROCESS} NOT IN ({known})")  # noqa: S608 -- our own words
    delete_dangling(connection)
