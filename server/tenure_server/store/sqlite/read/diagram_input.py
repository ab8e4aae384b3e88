"""What a diagram is drawn from: a lens's newest lifecycles, what is open, their tasks, and whom they wait for."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator
from itertools import islice

from tenure_server.errors import NotFound
from tenure_server.model.diagram_input import DiagramInput
from tenure_server.model.lens import Lens
from tenure_server.store.protocol import LifecycleQuery
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.key_scan import LIFECYCLES, RawRow, Selection
from tenure_server.store.sqlite.file.schema import ACQUIRE, LIFECYCLE_COLUMNS, OPEN
from tenure_server.store.sqlite.read.filters import select_lifecycles
from tenure_server.store.sqlite.read.roots import read_roots
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot
from tenure_server.store.sqlite.read.span_parents import parents_beyond

_MAX_FAMILY = 2_000  # tasks; a task with more descendants is shown with all of its process
_MAX_CONTEXT = 500  # lifecycles of one resource looked through for whom a wait waited for
_MAX_OLDER = 50  # of them, where they can only be older than what is shown
_CHUNK = 500  # keys in one query
_WORTH_NAMING_NS = 20_000  # a shorter wait was none


def read_scene(reading: ReadSnapshot, lens: Lens, limit: int, keep: Collection[str]) -> DiagramInput:
    """See ``Store.scene``."""
    _check_subject(reading, lens)
    selection, family = _select(reading, lens)
    found = {row[0]: row for row in _open_rows(reading, selection, lens, limit)}
    kept = _keys_of(reading, keep)
    joins = False
    complete = True
    for row in LIFECYCLES.newest(reading.connection, selection, (lens.since_ns, lens.until_ns)):
        if row[0] in found:
            continue
        if len(found) >= limit:
            complete = False
            break
        joins = joins or row[0] in kept
        found[row[0]] = row
    if joins:
        found |= {row[0]: row for row in _rows_of(reading, kept - found.keys())}
    rows = sorted(found.values(), key=LIFECYCLES.position)
    earlier = (
        0 if complete else _count(reading, selection, family, lens) - sum(_is_in_window(row, lens) for row in rows)
    )
    return DiagramInput(
        lifecycles=reading.assembly.lifecycles(rows, parents_beyond(reading, rows), read_roots(reading, rows)),
        tasks=reading.assembly.tasks(row[3] for row in rows),
        context=reading.assembly.lifecycles(_context(reading, rows, lens)),
        earlier=max(earlier, 0),
    )


def _keys_of(reading: ReadSnapshot, public_ids: Collection[str]) -> set[int]:
    processes = {
        process_id.hex(): row for row, process_id in reading.connection.execute("SELECT process, id FROM processes")
    }
    parted = (public_id.partition("-") for public_id in public_ids)
    return {keys.key(processes[process], int(number)) for process, _, number in parted if process in processes}


def _rows_of(reading: ReadSnapshot, wanted: Collection[int]) -> Iterator[RawRow]:
    ordered = sorted(wanted)
    for start in range(0, len(ordered), _CHUNK):
        chunk = ordered[start : start + _CHUNK]
        marks = ",".join("?" * len(chunk))
        yield from reading.connection.execute(
            f"SELECT {LIFECYCLE_COLUMNS} FROM lifecycles WHERE key IN ({marks})",  # noqa: S608 -- marks only
            chunk,
        )


def _check_subject(reading: ReadSnapshot, lens: Lens) -> None:
    subjects = reading.subjects
    if lens.trace is not None and subjects.trace(lens.trace) is None:
        raise NotFound(f"no trace {lens.trace!r} is stored")
    if lens.process is not None and subjects.process(lens.process) is None:
        raise NotFound(f"no process {lens.process!r} is stored")
    for table, public_id in (("tasks", lens.task), ("resources", lens.resource)):
        if public_id is not None and not subjects.has(table, subjects.key(public_id)):
            raise NotFound(f"no {table[:-1]} {public_id!r} is stored")


def _select(reading: ReadSnapshot, lens: Lens) -> tuple[Selection, list[int] | None]:
    """What the lens shows, and the tasks that it is of, where it is of some."""
    query = LifecycleQuery(process=lens.process, trace=lens.trace, resource=lens.resource)
    selection = select_lifecycles(reading.connection, query, reading.now_ns)
    task = None if lens.task is None else reading.subjects.key(lens.task)
    family = None
    if task is not None:
        selection.only([keys.process_of(task)])
        family = _family(reading, task)
        if family is not None:
            marks = ",".join("?" * len(family))
            first, last = reading.connection.execute(
                f"SELECT min(first), max(last) FROM tasks WHERE key IN ({marks})",  # noqa: S608 -- marks only
                family,
            ).fetchone()
            selection.add(f"task IN ({marks}) AND key BETWEEN ? AND ?", *family, first or 0, last or 0)
    return selection, family


def _family(reading: ReadSnapshot, task: int) -> list[int] | None:
    """A task and all that it and they created; None where they are too many to be told apart from all."""
    rows = reading.connection.execute(
        "WITH RECURSIVE family (key) AS (SELECT ? UNION SELECT tasks.key FROM tasks JOIN family"
        " ON tasks.parent = family.key) SELECT key FROM family LIMIT ?",
        (task, _MAX_FAMILY + 1),
    ).fetchall()
    return None if len(rows) > _MAX_FAMILY else [key for (key,) in rows]


def _open_rows(reading: ReadSnapshot, selection: Selection, lens: Lens, limit: int) -> list[RawRow]:
    """What is open now, however long ago it began: at most half of the limit, the newest."""
    living = Selection(selection.processes & reading.living())
    living.add(selection.where, *selection.values)
    until_ns = lens.until_ns
    rows = (row for row in reading.open_rows(living) if until_ns is None or row[ACQUIRE] < until_ns)
    return list(islice(rows, max(limit // 2, 1)))


def _is_in_window(row: RawRow, lens: Lens) -> bool:
    return lens.since_ns is None or bool(row[ACQUIRE] >= lens.since_ns)


def _count(reading: ReadSnapshot, selection: Selection, family: list[int] | None, lens: Lens) -> int:
    """How many lifecycles of the lens are stored; for a window, in the window."""
    connection = reading.connection
    if lens.since_ns is None and lens.until_ns is None:
        if selection.where == "true":
            counts = connection.execute("SELECT process, lifecycles FROM processes")
            return sum(count for process, count in counts if process in selection.processes)
        if family is not None and lens.process is None:
            marks = ",".join("?" * len(family))
            counted: int
            (counted,) = connection.execute(
                f"SELECT sum(lifecycles) FROM tasks WHERE key IN ({marks})",  # noqa: S608 -- marks only
                family,
            ).fetchone()
            return counted
    total = 0
    for process in selection.processes:
        low, high = LIFECYCLES.keys_between(connection, process, lens.since_ns, lens.until_ns)
        sql = f"SELECT count(*) FROM lifecycles WHERE {selection.where} AND key BETWEEN ? AND ?"  # noqa: S608 -- our own words
        values = [*selection.values, low, high]
        for sign, bound in ((">=", lens.since_ns), ("<", lens.until_ns)):
            if bound is not None:
                sql += f" AND acquire_ns {sign} ?"
                values.append(bound)
        total += connection.execute(sql, values).fetchone()[0]
    return total


def _context(reading: ReadSnapshot, rows: list[RawRow], lens: Lens) -> list[RawRow]:
    """Lifecycles outside the scene that had a resource, or stood in its queue, while one of the scene waited for it.

    Of a lens that leaves nobody out, they are older than all that it shows.
    """
    first: dict[int, int] = {}
    if lens.trace is None and lens.task is None:
        for row in reversed(rows):
            first[row[4]] = row[0]
    waits: dict[int, list[RawRow]] = defaultdict(list)
    for row in rows:
        if row[7] is None or row[7] >= _WORTH_NAMING_NS:
            waits[row[4]].append(row)
    shown = {row[0] for row in rows}
    bounded = reading.assembly.resource_refs(waits)
    found: dict[int, RawRow] = {}
    for resource, waiting in waits.items():
        if bounded[resource].capacity is None:
            continue
        asked = sorted(row[ACQUIRE] for row in waiting)
        last = first.get(resource, max(row[0] for row in waiting))
        still = reading.connection.execute(f"SELECT {LIFECYCLE_COLUMNS} {OPEN} AND resource = ?", (resource,))
        before = reading.connection.execute(
            f"SELECT {LIFECYCLE_COLUMNS} FROM lifecycles WHERE resource = ? AND key < ? ORDER BY key DESC LIMIT ?",  # noqa: S608 -- our own words
            (resource, last, _MAX_OLDER if first else _MAX_CONTEXT),
        )
        for row in (*still, *before):
            next_asked = bisect_left(asked, row[ACQUIRE])
            if row[0] not in shown and next_asked < len(asked) and _ends_after(row, asked[next_asked]):
                found[row[0]] = row
    return sorted(found.values(), key=LIFECYCLES.position)


def _ends_after(row: RawRow, instant_ns: int) -> bool:
    return row[9] is None or bool(row[ACQUIRE] + (row[7] or 0) + (row[8] or 0) + row[9] > instant_ns)
