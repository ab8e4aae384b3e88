"""GET /api/resources, as the tables answer it: counts that the writer kept, holders and waiters as they are now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from tenure_server.limits import MAX_USES
from tenure_server.model.records import Resource, Use
from tenure_server.store.histogram import percentiles
from tenure_server.store.protocol import Listing, ResourceQuery
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.key_scan import RawRow, Selection, parse_cursor
from tenure_server.store.sqlite.file.schema import ACQUIRE, LIFECYCLE_COLUMNS, OPEN
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot, next_cursor

_COLUMNS = "key, kind, name, capacity, stereotype, total, failed, waits, holds"
_CHUNK = 500

_histogram = msgspec.msgpack.Decoder(dict[int, int])


def read_resources(reading: ReadSnapshot, query: ResourceQuery) -> Listing[Resource]:
    limit = query.paging.limit
    selection = Selection([])
    if query.process is not None:
        process = reading.subjects.process(query.process) or 0
        selection.add("key BETWEEN ? AND ?", keys.key(process, 0), keys.key(process, keys.NUMBERS))
    if query.kind is not None:
        selection.add("kind = ?", query.kind)
    in_use = _in_use(reading)
    if query.order == "used":
        return Listing(_records(reading, _latest_used(reading, selection, in_use, query.open, limit)))
    if query.paging.cursor is not None:
        selection.add("key < ?", *parse_cursor(query.paging.cursor, 1))
    rows: Iterable[RawRow] = (
        row for row in _rows(reading, selection, "key DESC") if query.open is None or (row[0] in in_use) is query.open
    )
    found = list(islice(rows, limit + 1))
    return Listing(_records(reading, found[:limit]), next_cursor(found, limit, lambda row: (row[0],)))


def _in_use(reading: ReadSnapshot) -> set[int]:
    """Resources that somebody alive holds or waits for."""
    living = reading.living()
    found = reading.connection.execute(f"SELECT DISTINCT resource {OPEN}")
    return {resource for (resource,) in found if keys.process_of(resource) in living}


def _latest_used(
    reading: ReadSnapshot, selection: Selection, in_use: set[int], only_open: bool | None, limit: int
) -> list[RawRow]:
    first: list[RawRow] = []
    rest: list[RawRow] = []
    for row in _rows(reading, selection, "used_ns DESC, key DESC"):
        if row[0] in in_use:
            first.append(row)
        elif len(rest) < limit:
            rest.append(row)
        if len(first) == len(in_use) and len(rest) >= limit:
            break
    if only_open is not None:
        return (first if only_open else rest)[:limit]
    return (first + rest)[:limit]


def _rows(reading: ReadSnapshot, selection: Selection, order: str) -> Iterator[RawRow]:
    sql = f"SELECT {_COLUMNS} FROM resources WHERE {selection.where} ORDER BY {order}"  # noqa: S608 -- our own words
    return reading.connection.execute(sql, selection.values)


def _records(reading: ReadSnapshot, rows: list[RawRow]) -> list[Resource]:
    uses = _open_uses(reading, [row[0] for row in rows])
    records = []
    for key, kind, name, capacity, stereotype, total, failed, waits, holds in rows:
        acquiring = [row for row in uses.get(key, ()) if row[7] is None]
        taken = [row for row in uses.get(key, ()) if row[7] is not None]
        releasing = sum(row[8] is not None for row in taken)
        records.append(
            Resource(
                id=reading.assembly.public_id(key),
                process=reading.assembly.process(keys.process_of(key)).hex,
                kind=kind,
                name=name,
                capacity=capacity,
                stereotype=stereotype,
                acquiring=len(acquiring),
                held=len(taken) - releasing,
                releasing=releasing,
                failed=failed,
                total=total,
                holders=_uses(reading, sorted(taken, key=_since)),
                waiters=_uses(reading, sorted(acquiring, key=_since)),
                wait_ms=percentiles(_histogram.decode(waits)),
                hold_ms=percentiles(_histogram.decode(holds)),
            )
        )
    return records


def _open_uses(reading: ReadSnapshot, resources: list[int]) -> dict[int, list[RawRow]]:
    """The open lifecycles of living processes, by resource."""
    found: dict[int, list[RawRow]] = {}
    living = [key for key in resources if reading.assembly.process(keys.process_of(key)).alive]
    for start in range(0, len(living), _CHUNK):
        some = living[start : start + _CHUNK]
        marks = ",".join("?" * len(some))
        sql = f"SELECT {LIFECYCLE_COLUMNS} {OPEN} AND resource IN ({marks})"
        for row in reading.connection.execute(sql, some):
            found.setdefault(row[4], []).append(row)
    return found


def _since(row: RawRow) -> tuple[int, int]:
    """When the holder got it, or the waiter asked for it; ties by key."""
    return row[ACQUIRE] + (row[7] or 0), row[0]


def _uses(reading: ReadSnapshot, rows: list[RawRow]) -> list[Use]:
    rows = rows[:MAX_USES]
    tasks = reading.assembly.task_refs(row[3] for row in rows)
    sites = reading.assembly.sites(row[5] for row in rows)
    return [Use(reading.assembly.public_id(row[0]), tasks[row[3]], sites[row[5]], _since(row)[0]) for row in rows]
