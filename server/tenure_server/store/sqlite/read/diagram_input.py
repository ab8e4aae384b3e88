"""What a diagram is drawn from: the newest lifecycles of a lens, all that are open, their tasks and causes of waits."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator
from itertools import islice

import msgspec

from tenure_server.errors import NotFound
from tenure_server.model.diagram_input import DiagramInput, OpenCounts
from tenure_server.model.lens import Lens
from tenure_server.store.protocol import LifecycleQuery
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.key_scan import LIFECYCLES, RowSelection
from tenure_server.store.sqlite.file.rows import INTERNAL, LifecycleRow
from tenure_server.store.sqlite.read.filters import NOT_INTERNAL, select_lifecycles
from tenure_server.store.sqlite.read.processes import read_some_processes
from tenure_server.store.sqlite.read.roots import read_roots
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot
from tenure_server.store.sqlite.read.span_parents import foreign_parents

_MAX_FAMILY = 2_000  # tasks; a task with more descendants is shown with its whole process
_MAX_CONTEXT = 2_000  # lifecycles of one resource in which the cause of a wait is searched
_MIN_WAIT_NS = 20_000  # the cause of a shorter wait is not searched


def read_diagram_input(snapshot: ReadSnapshot, lens: Lens, limit: int, keep: Collection[str]) -> DiagramInput:
    """See ``Store.diagram_input``."""
    _check_subject(snapshot, lens)
    selection, family = _select(snapshot, lens)
    living = _living(snapshot, selection)
    shown = {row.key: row for row in _open_rows(snapshot, living, lens, limit)}
    kept = _keys_of(snapshot, keep)
    has_kept = False
    is_complete = True
    for row in LIFECYCLES.newest(snapshot.connection, selection, (lens.since_ns, lens.until_ns)):
        if row.key in shown:
            continue
        if len(shown) >= limit:
            is_complete = False
            break
        has_kept = has_kept or row.key in kept
        shown[row.key] = row
    if has_kept:
        shown |= {row.key: row for row in snapshot.lifecycle_rows(sorted(kept - shown.keys()))}
    rows = sorted(shown.values(), key=LIFECYCLES.position)
    earlier = (
        0 if is_complete else _count(snapshot, selection, family, lens) - sum(_is_in_window(row, lens) for row in rows)
    )
    return DiagramInput(
        lifecycles=snapshot.decoder.lifecycles(rows, foreign_parents(snapshot, rows), read_roots(snapshot, rows)),
        tasks=snapshot.decoder.tasks(task for row in rows for task in (row.task, row.released_by) if task),
        context=snapshot.decoder.lifecycles(_context(snapshot, rows, lens)),
        earlier=max(earlier, 0),
        processes=read_some_processes(snapshot, {keys.process_of(row.key) for row in rows}),
        open=_open_counts(snapshot, living, lens, rows),
        internal=0 if lens.internal else _count_internal(snapshot, family, lens),
    )


def _keys_of(snapshot: ReadSnapshot, public_ids: Collection[str]) -> set[int]:
    processes = {
        process_id.hex(): row for row, process_id in snapshot.connection.execute("SELECT process, id FROM processes")
    }
    parts = (public_id.partition("-") for public_id in public_ids)
    return {keys.key(processes[process], int(number)) for process, _, number in parts if process in processes}


def _check_subject(snapshot: ReadSnapshot, lens: Lens) -> None:
    ids = snapshot.ids
    if lens.trace is not None and ids.trace(lens.trace) is None:
        raise NotFound(f"no trace {lens.trace!r} is stored")
    if lens.process is not None and ids.process(lens.process) is None:
        raise NotFound(f"no process {lens.process!r} is stored")
    for table, public_id in (("tasks", lens.task), ("resources", lens.resource)):
        if public_id is not None and not ids.is_stored(table, ids.key(public_id)):
            raise NotFound(f"no {table[:-1]} {public_id!r} is stored")


def _select(snapshot: ReadSnapshot, lens: Lens) -> tuple[RowSelection, list[int] | None]:
    """The rows of the lens and, where its subject is a task, that task's family."""
    query = LifecycleQuery(
        process=lens.process, trace=lens.trace, resource=lens.resource, internal=lens.internal or None
    )
    selection = select_lifecycles(snapshot.connection, query, snapshot.now_ns)
    task = None if lens.task is None else snapshot.ids.key(lens.task)
    family = None
    if task is not None:
        selection.restrict_to([keys.process_of(task)])
        family = _family(snapshot, task)
        if family is not None:
            marks = ",".join("?" * len(family))
            first, last = snapshot.connection.execute(
                f"SELECT min(first), max(last) FROM tasks WHERE key IN ({marks})",  # noqa: S608 -- marks only
                family,
            ).fetchone()
            selection.add(f"task IN ({marks}) AND key BETWEEN ? AND ?", *family, first or 0, last or 0)
    return selection, family


def _family(snapshot: ReadSnapshot, task: int) -> list[int] | None:
    """A task and its descendants; None: more than _MAX_FAMILY."""
    rows = snapshot.connection.execute(
        "WITH RECURSIVE family (key) AS (SELECT ? UNION SELECT tasks.key FROM tasks JOIN family"
        " ON tasks.parent = family.key) SELECT key FROM family LIMIT ?",
        (task, _MAX_FAMILY + 1),
    ).fetchall()
    return None if len(rows) > _MAX_FAMILY else [key for (key,) in rows]


def _living(snapshot: ReadSnapshot, selection: RowSelection) -> RowSelection:
    living = RowSelection(selection.processes & snapshot.living_processes())
    living.add(selection.where, *selection.values)
    return living


def _open_counts(snapshot: ReadSnapshot, living: RowSelection, lens: Lens, rows: list[LifecycleRow]) -> OpenCounts:
    held, waiting = snapshot.count_open(living, lens.until_ns)
    drawn = sum(not row.is_closed and keys.process_of(row.key) in living.processes for row in rows)
    return OpenCounts(held, waiting, drawn)


def _open_rows(snapshot: ReadSnapshot, living: RowSelection, lens: Lens, limit: int) -> list[LifecycleRow]:
    """What is open now, however long ago it began: the newest, at most half of the limit."""
    until_ns = lens.until_ns
    rows = (row for row in snapshot.open_rows(living) if until_ns is None or row.acquire_ns < until_ns)
    return list(islice(rows, max(limit // 2, 1)))


def _is_in_window(row: LifecycleRow, lens: Lens) -> bool:
    return lens.since_ns is None or row.acquire_ns >= lens.since_ns


def _count_internal(snapshot: ReadSnapshot, family: list[int] | None, lens: Lens) -> int:
    """How many lifecycles of libraries the lens leaves out; for a window, in the window."""
    selection, _ = _select(snapshot, msgspec.structs.replace(lens, internal=True))
    by_process = dict(snapshot.connection.execute("SELECT process, internal FROM processes WHERE internal > 0"))
    selection.restrict_to(by_process)
    if not selection.processes:
        return 0
    if lens.since_ns is None and lens.until_ns is None:
        if selection.where == "true":
            return sum(count for process, count in by_process.items() if process in selection.processes)
        keys_of = {"tasks": family, "traces": _trace_keys(snapshot, lens), "resources": _resource_keys(snapshot, lens)}
        subjects = [(table, wanted) for table, wanted in keys_of.items() if wanted is not None]
        if lens.process is None and len(subjects) == 1:
            ((table, wanted),) = subjects
            marks = ",".join("?" * len(wanted))
            sql = f"SELECT ifnull(sum(internal), 0) FROM {table} WHERE key IN ({marks})"  # noqa: S608 -- constant names
            count: int = snapshot.connection.execute(sql, wanted).fetchone()[0]
            return count
    selection.add(f"outcomes & {INTERNAL}")
    return _count_rows(snapshot, selection, lens)


def _trace_keys(snapshot: ReadSnapshot, lens: Lens) -> list[int] | None:
    trace = None if lens.trace is None else snapshot.ids.trace(lens.trace)
    return None if trace is None else [trace[0]]


def _resource_keys(snapshot: ReadSnapshot, lens: Lens) -> list[int] | None:
    key = None if lens.resource is None else snapshot.ids.key(lens.resource)
    return None if key is None else [key]


def _count(snapshot: ReadSnapshot, selection: RowSelection, family: list[int] | None, lens: Lens) -> int:
    """How many lifecycles of the lens are stored; for a window, in the window."""
    connection = snapshot.connection
    if lens.since_ns is None and lens.until_ns is None:
        shown = "lifecycles" if lens.internal else "lifecycles - internal"
        if selection.where == ("true" if lens.internal else NOT_INTERNAL):
            counts = connection.execute(f"SELECT process, {shown} FROM processes")  # noqa: S608 -- constant names
            return sum(count for process, count in counts if process in selection.processes)
        if family is not None and lens.process is None:
            marks = ",".join("?" * len(family))
            count: int
            (count,) = connection.execute(
                f"SELECT sum({shown}) FROM tasks WHERE key IN ({marks})",  # noqa: S608 -- marks only
                family,
            ).fetchone()
            return count
    return _count_rows(snapshot, selection, lens)


def _count_rows(snapshot: ReadSnapshot, selection: RowSelection, lens: Lens) -> int:
    """How many rows of the selection are stored, within the window of the lens."""
    connection = snapshot.connection
    total = 0
    for process in selection.processes:
        low, high = LIFECYCLES.keys_between(connection, process, lens.since_ns, lens.until_ns)
        sql = f"SELECT count(*) FROM lifecycles WHERE {selection.where} AND key BETWEEN ? AND ?"  # noqa: S608 -- constant names
        values = [*selection.values, low, high]
        for sign, bound in ((">=", lens.since_ns), ("<", lens.until_ns)):
            if bound is not None:
                sql += f" AND acquire_ns {sign} ?"
                values.append(bound)
        total += connection.execute(sql, values).fetchone()[0]
    return total


def _context(snapshot: ReadSnapshot, rows: list[LifecycleRow], lens: Lens) -> list[LifecycleRow]:
    """Lifecycles that the diagram does not show and that explain its waits.

    They held a resource, or waited for it, while a lifecycle of the diagram waited for it. A lens without trace and
    task leaves out only lifecycles that are older than all that it shows.
    """
    oldest_shown: dict[int, int] = {}
    if lens.trace is None and lens.task is None:
        for row in reversed(rows):
            oldest_shown[row.resource] = row.key
    waits: dict[int, list[LifecycleRow]] = defaultdict(list)
    for row in rows:
        if row.wait_ns is None or row.wait_ns >= _MIN_WAIT_NS:
            waits[row.resource].append(row)
    shown = {row.key for row in rows}
    resources = snapshot.decoder.resource_refs(waits)
    context: dict[int, LifecycleRow] = {}
    for resource, waiting in waits.items():
        if resources[resource].capacity is None:
            continue
        last = oldest_shown.get(resource, max(row.key for row in waiting))
        context |= {row.key: row for row in _beside(snapshot, resource, waiting, last) if row.key not in shown}
    return sorted(context.values(), key=LIFECYCLES.position)


def _beside(snapshot: ReadSnapshot, resource: int, waiting: list[LifecycleRow], last: int) -> Iterator[LifecycleRow]:
    """Other uses of the resource while those in ``waiting`` waited for it; closed ones up to the key ``last``."""
    began_ns = sorted(row.acquire_ns for row in waiting)
    for row in snapshot.uses_before(resource, last, began_ns[0], _MAX_CONTEXT):
        next_wait = bisect_left(began_ns, row.acquire_ns)
        if next_wait < len(began_ns) and _ends_after(row, began_ns[next_wait]):
            yield row
    goes_on = any(row.wait_ns is None and not row.is_closed for row in waiting)
    for row in snapshot.open_uses(resource):
        if goes_on or row.acquire_ns <= began_ns[-1]:
            yield row


def _ends_after(row: LifecycleRow, instant_ns: int) -> bool:
    return not row.is_closed or row.latest_ns > instant_ns
