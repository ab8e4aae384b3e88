"""What a follower of the store reads: the lifecycles that closed or were abandoned after its cursor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tenure_server.store.protocol import Backlog, Ending, Endings, HeldAround
from tenure_server.store.sqlite import keys
from tenure_server.store.sqlite.assembly import ACQUIRE, LIFECYCLE_COLUMNS
from tenure_server.store.sqlite.outbox import unpack
from tenure_server.store.sqlite.processes import read_some_processes
from tenure_server.store.sqlite.reading import OPEN, Reading
from tenure_server.store.sqlite.timeline import Found

_CHUNK = 500  # keys in one query
_MAX_CONTEXT = 64  # lifecycles of one resource looked through for whom a wait waited for
_WORTH_NAMING_NS = 100_000  # a shorter wait was none

_Root = tuple[int | None, bytes | None]  # link, OpenTelemetry's parent


def read_endings(reading: Reading, follower: str, limit: int) -> Endings:
    """See ``Store.endings``."""
    wanted: list[int] = []
    position = cursor = _cursor(reading, follower)
    entries = reading.connection.execute("SELECT entry, keys FROM outbox WHERE entry > ? ORDER BY entry", (cursor,))
    for entry, packed in entries:
        some = unpack(packed)
        if wanted and len(wanted) + len(some) > limit:
            break
        wanted += some
        position = entry
    entries.close()
    rows = _rows(reading, wanted)
    lifecycles = reading.assembly.lifecycles(rows)
    roots = _roots(reading, rows)
    around = _links(reading, roots)
    processes = read_some_processes(reading, {keys.process_of(row[0]) for row in rows})
    items = []
    for row, lifecycle in zip(rows, lifecycles, strict=True):
        if lifecycle.phase not in {"closed", "abandoned"}:
            continue  # its process was thought dead and came back
        process = processes[lifecycle.process]
        latest_ns = _latest_ns(row)
        ended_ns = latest_ns if lifecycle.phase == "closed" else max(latest_ns, process.last_seen_ns)
        _, parent = roots.get(row[0], (None, None))
        items.append(Ending(lifecycle, ended_ns, parent.hex() if parent else None, around.get(row[0])))
    return Endings(
        items=items,
        processes=processes,
        context=reading.assembly.lifecycles(_context(reading, rows)),
        position=position,
        expired=len(wanted) - len(rows),
    )


def read_backlog(reading: Reading, follower: str) -> Backlog:
    """See ``Store.backlog``."""
    found = reading.connection.execute("SELECT cursor, expired FROM followers WHERE name = ?", (follower,)).fetchone()
    if found is None:
        return Backlog(0, None, 0)
    cursor, expired = found
    waiting, since_ns = reading.connection.execute(
        "SELECT ifnull(sum(lifecycles), 0), min(at_ns) FROM outbox WHERE entry > ?", (cursor,)
    ).fetchone()
    return Backlog(waiting, since_ns, expired)


def _cursor(reading: Reading, follower: str) -> int:
    found = reading.connection.execute("SELECT cursor FROM followers WHERE name = ?", (follower,)).fetchone()
    return found[0] if found else 0


def _rows(reading: Reading, wanted: list[int]) -> list[Found]:
    """The stored ones, in the order in which they are wanted."""
    found: dict[int, Found] = {}
    for start in range(0, len(wanted), _CHUNK):
        some = wanted[start : start + _CHUNK]
        marks = ",".join("?" * len(some))
        sql = f"SELECT {LIFECYCLE_COLUMNS} FROM lifecycles WHERE key IN ({marks})"  # noqa: S608 -- our own words
        found |= {row[0]: row for row in reading.connection.execute(sql, some)}
    return [found[key] for key in wanted if key in found]


def _roots(reading: Reading, rows: Iterable[Found]) -> dict[int, _Root]:
    """What the roots among the rows have beyond their trace."""
    roots = [row[0] for row in rows if row[1] is None]
    known: dict[int, _Root] = {}
    for start in range(0, len(roots), _CHUNK):
        some = roots[start : start + _CHUNK]
        sql = f"SELECT key, link, otel_parent_id FROM roots WHERE key IN ({','.join('?' * len(some))})"  # noqa: S608 -- marks only
        known |= {key: (link, parent) for key, link, parent in reading.connection.execute(sql, some)}
    return known


def _context(reading: Reading, rows: Iterable[Found]) -> list[Found]:
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
    found: dict[int, Found] = {}
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


def _latest_ns(row: Found) -> int:
    """The latest instant that a row tells of."""
    latest: int = row[ACQUIRE] + (row[7] or 0) + (row[8] or 0) + (row[9] or 0)
    return latest


def _links(reading: Reading, roots: Mapping[int, _Root]) -> dict[int, HeldAround]:
    """For roots that are linked to a lifecycle held around them: that one, where it is still stored."""
    links = {key: keys.key(keys.process_of(key), link) for key, (link, _) in roots.items() if link}
    rows = _rows(reading, sorted(set(links.values())))
    traces = reading.assembly.trace_ids({row[2] for row in rows})
    around = {row[0]: HeldAround(reading.assembly.public_id(row[0]), traces[row[2]]) for row in rows}
    return {key: around[link] for key, link in links.items() if link in around}
