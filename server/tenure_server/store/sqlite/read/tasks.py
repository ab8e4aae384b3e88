"""The query of GET /api/tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from tenure_server.limits import MAX_USES
from tenure_server.model.waits import TaskAwait, TaskState, TaskUse
from tenure_server.store.protocol import Listing, TaskQuery
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.key_scan import RowSelection, parse_cursor
from tenure_server.store.sqlite.file.rows import LIFECYCLE_COLUMNS, LifecycleRow
from tenure_server.store.sqlite.file.schema import OPEN
from tenure_server.store.sqlite.read.row_decoder import outcome_of
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot, page_of


class _TaskRow(NamedTuple):
    key: int
    name: str
    coroutine: str
    kind: Literal["task", "thread"]
    parent: int | None
    created_ns: int | None
    finished_ns: int | None
    outcome: int
    loop: int
    thread: str
    since_ns: int | None
    awaited: str | None
    site: int | None
    resource: int | None


_EVERY = "tasks LEFT JOIN awaits ON awaits.task = tasks.key"
_AWAITING = "awaits CROSS JOIN tasks ON tasks.key = awaits.task"  # they are few: SQLite begins with them


def read_tasks(snapshot: ReadSnapshot, query: TaskQuery) -> Listing[TaskState]:
    selection = RowSelection([])
    if query.process is not None:
        process = snapshot.ids.process(query.process) or 0
        selection.add("key BETWEEN ? AND ?", keys.key(process, 0), keys.key(process, keys.NUMBERS))
    if query.name is not None:
        selection.add("tasks.name = ?", query.name)
    if query.paging.cursor is not None:
        selection.add("key < ?", *parse_cursor(query.paging.cursor, 1))
    if query.open:
        selection.add("finished_ns IS NULL")
    if query.awaiting is not None and query.awaiting is not False:
        selection.add("awaited IS NOT NULL")
    elif query.awaiting is False:
        selection.add("awaited IS NULL")
    if isinstance(query.awaiting, str):
        selection.add("substr(awaited, 1, ?) = ?", len(query.awaiting), query.awaiting)
    living = snapshot.living_processes()
    source = _AWAITING if query.awaiting else _EVERY
    rows = (
        row for row in _rows(snapshot, source, selection) if query.open is None or _is_open(row, living) is query.open
    )
    return page_of(rows, query.paging.limit, lambda row: (row.key,), lambda page: _records(snapshot, page, living))


def _rows(snapshot: ReadSnapshot, source: str, selection: RowSelection) -> Iterator[_TaskRow]:
    sql = f"SELECT {', '.join(_TaskRow._fields)} FROM {source}"  # noqa: S608 -- constant names
    rows = snapshot.connection.execute(f"{sql} WHERE {selection.where} ORDER BY key DESC", selection.values)
    return map(_TaskRow._make, rows)


def _is_open(row: _TaskRow, living: set[int]) -> bool:
    return row.finished_ns is None and keys.process_of(row.key) in living


def _records(snapshot: ReadSnapshot, rows: list[_TaskRow], living: set[int]) -> list[TaskState]:
    decoder = snapshot.decoder
    uses = _open_uses(snapshot, [row.key for row in rows if _is_open(row, living)])
    every = [use for of_task in uses.values() for use in of_task]
    parents = decoder.task_refs(row.parent for row in rows if row.parent is not None)
    sites = decoder.sites([row.site for row in rows if row.site is not None] + [use.site for use in every])
    resources = decoder.resource_refs(
        [row.resource for row in rows if row.resource is not None] + [use.resource for use in every]
    )

    def described(of_task: list[LifecycleRow], *, acquired: bool) -> list[TaskUse]:
        chosen = [use for use in of_task if (use.wait_ns is not None) is acquired][:MAX_USES]
        return [
            TaskUse(decoder.public_id(use.key), resources[use.resource], sites[use.site], use.acquired_ns)
            for use in chosen
        ]

    def awaits(row: _TaskRow) -> TaskAwait | None:
        if row.awaited is None or row.since_ns is None:
            return None
        site = None if row.site is None else sites[row.site]
        return TaskAwait(row.awaited, row.since_ns, site, None if row.resource is None else resources[row.resource])

    records = []
    for row in rows:
        process = decoder.process(keys.process_of(row.key))
        of_task = uses.get(row.key, [])
        records.append(
            TaskState(
                id=decoder.public_id(row.key),
                process=process.hex,
                service=process.service,
                name=row.name,
                coroutine=row.coroutine,
                kind=row.kind,
                open=_is_open(row, living),
                parent=None if row.parent is None else parents[row.parent],
                created_ns=row.created_ns,
                finished_ns=row.finished_ns,
                outcome=outcome_of(row.outcome),
                loop=row.loop or None,
                thread=row.thread or None,
                holds=described(of_task, acquired=True),
                waits_for=described(of_task, acquired=False),
                awaits=awaits(row),
            )
        )
    return records


def _open_uses(snapshot: ReadSnapshot, tasks: list[int]) -> dict[int, list[LifecycleRow]]:
    """The open lifecycles of these tasks, oldest first."""
    uses: dict[int, list[LifecycleRow]] = {}
    sql = f"SELECT {LIFECYCLE_COLUMNS} {OPEN} AND task IN"
    for row in sorted(snapshot.in_chunks(sql, tasks, LifecycleRow._make), key=lambda row: row.key):
        uses.setdefault(row.task, []).append(row)
    return uses
