"""What a follower of the store reads: the lifecycles that closed or were abandoned after its cursor."""

from __future__ import annotations

from collections.abc import Iterable

from tenure_server.store.protocol import ClosedLifecycle, ClosedLifecycles
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.key_scan import RawRow
from tenure_server.store.sqlite.file.schema import ACQUIRE, LIFECYCLE_COLUMNS, OPEN, unpack
from tenure_server.store.sqlite.read.processes import read_some_processes
from tenure_server.store.sqlite.read.roots import read_roots
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot

_MAX_CONTEXT = 64  # lifecycles of one resource looked through for whom a wait waited for
_WORTH_NAMING_NS = 100_000  # a shorter wait was none


def read_endings(reading: ReadSnapshot, follower: str, limit: int) -> ClosedLifecycles:
    """See ``Store.endings``."""
    wanted: list[int] = []
    position = cursor = _cursor(reading, follower)
    latest_ns = 0
    entries = reading.connection.execute(
        "SELECT entry, at_ns, keys FROM outbox WHERE entry > ? ORDER BY entry", (cursor,)
    )
    for entry, at_ns, packed in entries:
        some = unpack(packed)
        if wanted and len(wanted) + len(some) > limit:
            break
        wanted += some
        position = entry
        latest_ns = max(latest_ns, at_ns)
    entries.close()
    # Whoever put in what a process left open knew it for dead; by a clock that is behind it would be taken for alive.
    reading = ReadSnapshot(reading.connection, reading.aliveness.not_before(latest_ns))
    rows = _rows(reading, wanted)
    lifecycles = reading.assembly.lifecycles(rows, roots=read_roots(reading, rows))
    processes = read_some_processes(reading, {keys.process_of(row[0]) for row in rows})
    items = []
    for row, lifecycle in zip(rows, lifecycles, strict=True):
        if lifecycle.phase not in {"closed", "abandoned"}:
            continue  # its process was thought dead and came back
        process = processes[lifecycle.process]
        told_ns = _latest_ns(row)
        ended_ns = told_ns if lifecycle.phase == "closed" else max(told_ns, process.last_seen_ns)
        items.append(ClosedLifecycle(lifecycle, ended_ns))
    return ClosedLifecycles(
        items=items,
        processes=processes,
        context=reading.assembly.lifecycles(_context(reading, rows)),
        position=position,
        expired=len(wanted) - len(rows),
    )


def _cursor(reading: ReadSnapshot, follower: str) -> int:
    found = reading.connection.execute("SELECT cursor FROM followers WHERE name = ?", (follower,)).fetchone()
    return found[0] if found else 0


def _rows(reading: ReadSnapshot, wanted: list[int]) -> list[RawRow]:
    """The stored ones, in the order in which they are wanted."""
    sql = f"SELECT {LIFECYCLE_COLUMNS} FROM lifecycles WHERE key IN"  # noqa: S608 -- our own words
    found = {row[0]: row for row in reading.in_chunks(sql, wanted)}
    return [found[key] for key in wanted if key in found]


def _context(reading: ReadSnapshot, rows: Iterable[RawRow]) -> list[RawRow]:
    """Others that had a resource, or stood in its queue, since one of the rows began to wait for it."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for row in rows:
        if row[7] is None or row[7] >= _WORTH_NAMING_NS:
            resource = row[4]
            first[resource] = min(first.get(resource, row[ACQUIRE]), row[ACQUIRE])
            last[resource] = max(last.get(resource, 0), row[0])
    shown = {row[0] for row in rows}
    bounded = reading.assembly.resource_refs(last)
    found: dict[int, RawRow] = {}
    for resource, key in last.items():
        if bounded[resource].capacity is None:
            continue
        still = reading.connection.execute(f"SELECT {LIFECYCLE_COLUMNS} {OPEN} AND resource = ?", (resource,))
        before = reading.connection.execute(
            f"SELECT {LIFECYCLE_COLUMNS} FROM lifecycles WHERE resource = ? AND key < ? ORDER BY key DESC LIMIT ?",  # noqa: S608 -- our own words
            (resource, key, _MAX_CONTEXT),
        )
        for row in (*still, *before):
            if row[0] not in shown and (row[9] is None or _latest_ns(row) > first[resource]):
                found[row[0]] = row
    return [found[key] for key in sorted(found)]


def _latest_ns(row: RawRow) -> int:
    """The latest instant that a row tells of."""
    latest: int = row[ACQUIRE] + (row[7] or 0) + (row[8] or 0) + (row[9] or 0)
    return latest
