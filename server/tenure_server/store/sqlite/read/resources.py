"""The query of GET /api/resources: counts that the writer keeps, with the holders and waiters of now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from tenure_server.limits import MAX_USES
from tenure_server.model.records import Percentiles, Resource, Use
from tenure_server.store.histogram import add, percentiles
from tenure_server.store.protocol import Listing, ResourceQuery
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.key_scan import RowSelection, parse_cursor
from tenure_server.store.sqlite.file.rows import LIFECYCLE_COLUMNS, LifecycleRow
from tenure_server.store.sqlite.file.schema import OPEN
from tenure_server.store.sqlite.read.filters import NOT_INTERNAL
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot, page_of

_histogram = msgspec.msgpack.Decoder(dict[int, int])


class _ResourceRow(NamedTuple):
    key: int
    kind: str
    name: str
    capacity: int | None
    stereotype: str
    total: int
    failed: int
    waits: bytes
    holds: bytes
    internal: int
    internal_failed: int
    internal_waits: bytes
    internal_holds: bytes


def read_resources(snapshot: ReadSnapshot, query: ResourceQuery) -> Listing[Resource]:
    limit = query.paging.limit
    selection = RowSelection([])
    if query.process is not None:
        process = snapshot.ids.process(query.process) or 0
        selection.add("key BETWEEN ? AND ?", keys.key(process, 0), keys.key(process, keys.NUMBERS))
    if query.kind is not None:
        selection.add("kind = ?", query.kind)
    if not query.internal:
        selection.add("(total > 0 OR internal = 0)")
    in_use = resources_in_use(snapshot, with_internal=bool(query.internal))

    def records(rows: list[_ResourceRow]) -> list[Resource]:
        return _records(snapshot, [_with_internal(row) for row in rows] if query.internal else rows)

    if query.order == "used":
        return Listing(records(_latest_used(snapshot, selection, in_use, query.open, limit)))
    if query.paging.cursor is not None:
        selection.add("key < ?", *parse_cursor(query.paging.cursor, 1))
    rows = (
        row for row in _rows(snapshot, selection, "key DESC") if query.open is None or (row.key in in_use) is query.open
    )
    return page_of(rows, limit, lambda row: (row.key,), records)


def read_resource(snapshot: ReadSnapshot, resource_id: str, *, with_internal: bool) -> list[Resource]:
    """The resource with this id; empty if it is not stored."""
    selection = RowSelection([])
    selection.add("key = ?", snapshot.ids.key(resource_id))
    rows = list(_rows(snapshot, selection, "key"))
    return _records(snapshot, [_with_internal(row) for row in rows] if with_internal else rows)


def _with_internal(row: _ResourceRow) -> _ResourceRow:
    """With the uses that libraries make of it for their own ends."""
    waits, holds = (
        msgspec.msgpack.encode(Counter(_histogram.decode(own)) + Counter(_histogram.decode(internal)))
        for own, internal in ((row.waits, row.internal_waits), (row.holds, row.internal_holds))
    )
    total, failed = row.total + row.internal, row.failed + row.internal_failed
    return row._replace(total=total, failed=failed, waits=waits, holds=holds)


def resources_in_use(snapshot: ReadSnapshot, *, with_internal: bool) -> set[int]:
    """The resources that a living process holds or waits for."""
    living = snapshot.living_processes()
    condition = "" if with_internal else f" AND {NOT_INTERNAL}"
    resources = snapshot.connection.execute(f"SELECT DISTINCT resource {OPEN}{condition}")
    return {resource for (resource,) in resources if keys.process_of(resource) in living}


def _latest_used(
    snapshot: ReadSnapshot, selection: RowSelection, in_use: set[int], only_open: bool | None, limit: int
) -> list[_ResourceRow]:
    open_rows: list[_ResourceRow] = []
    other_rows: list[_ResourceRow] = []
    for row in _rows(snapshot, selection, "used_ns DESC, key DESC"):
        if row.key in in_use:
            open_rows.append(row)
        elif len(other_rows) < limit:
            other_rows.append(row)
        if len(open_rows) == len(in_use) and len(other_rows) >= limit:
            break
    waits = snapshot.connection.execute(f"SELECT DISTINCT resource {OPEN} AND wait_ns IS NULL")
    waited_for = {resource for (resource,) in waits}
    open_rows.sort(key=lambda row: row.key not in waited_for)
    if only_open is not None:
        return (open_rows if only_open else other_rows)[:limit]
    return (open_rows + other_rows)[:limit]


def _rows(snapshot: ReadSnapshot, selection: RowSelection, order: str) -> Iterator[_ResourceRow]:
    columns = ", ".join(_ResourceRow._fields)
    sql = f"SELECT {columns} FROM resources WHERE {selection.where} ORDER BY {order}"  # noqa: S608 -- constant names
    return map(_ResourceRow._make, snapshot.connection.execute(sql, selection.values))


def _records(snapshot: ReadSnapshot, rows: list[_ResourceRow]) -> list[Resource]:
    uses = _open_uses(snapshot, [row.key for row in rows])
    now_ns = snapshot.now_ns
    records = []
    for row in rows:
        waiting = [use for use in uses.get(row.key, ()) if use.wait_ns is None]
        acquired = [use for use in uses.get(row.key, ()) if use.wait_ns is not None]
        releasing = sum(use.hold_ns is not None for use in acquired)
        records.append(
            Resource(
                id=snapshot.decoder.public_id(row.key),
                process=snapshot.decoder.process(keys.process_of(row.key)).hex,
                kind=row.kind,
                name=row.name,
                capacity=row.capacity,
                stereotype=row.stereotype,
                acquiring=len(waiting),
                held=len(acquired) - releasing,
                releasing=releasing,
                failed=row.failed,
                total=row.total,
                holders=_uses(snapshot, sorted(acquired, key=_since)),
                waiters=_uses(snapshot, sorted(waiting, key=_since)),
                wait_ms=_percentiles(row.waits, (now_ns - use.acquire_ns for use in waiting)),
                hold_ms=_percentiles(row.holds, (now_ns - use.acquired_ns for use in acquired if use.hold_ns is None)),
            )
        )
    return records


def _percentiles(ended: bytes, going_on_ns: Iterable[int]) -> Percentiles:
    """Of the durations that ended and of those that go on, with the time that they have lasted so far."""
    histogram = _histogram.decode(ended)
    add(histogram, sorted(max(ns, 0) for ns in going_on_ns))
    return percentiles(histogram)


def _open_uses(snapshot: ReadSnapshot, resources: list[int]) -> dict[int, list[LifecycleRow]]:
    """The open lifecycles of living processes, by resource."""
    uses: dict[int, list[LifecycleRow]] = {}
    living = [key for key in resources if snapshot.decoder.process(keys.process_of(key)).alive]
    sql = f"SELECT {LIFECYCLE_COLUMNS} {OPEN} AND resource IN"
    for row in snapshot.in_chunks(sql, living, LifecycleRow._make):
        uses.setdefault(row.resource, []).append(row)
    return uses


def _since(row: LifecycleRow) -> tuple[int, int]:
    """When a holder acquired it, or a waiter asked for it; ties by key."""
    return row.acquired_ns, row.key


def _uses(snapshot: ReadSnapshot, rows: list[LifecycleRow]) -> list[Use]:
    rows = rows[:MAX_USES]
    tasks = snapshot.decoder.task_refs(row.task for row in rows)
    sites = snapshot.decoder.sites(row.site for row in rows)
    return [Use(snapshot.decoder.public_id(row.key), tasks[row.task], sites[row.site], row.acquired_ns) for row in rows]
