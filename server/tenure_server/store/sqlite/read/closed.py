"""What a follower of the store reads: the lifecycles that closed or were abandoned after its cursor."""

from __future__ import annotations

from collections.abc import Iterable

from tenure_server.store.protocol import ClosedLifecycle, ClosedLifecycles
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.rows import LifecycleRow
from tenure_server.store.sqlite.file.schema import unpack
from tenure_server.store.sqlite.read.processes import read_some_processes
from tenure_server.store.sqlite.read.roots import read_roots
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot

_MAX_CONTEXT = 64  # lifecycles of one resource in which the cause of a wait is searched
_MIN_WAIT_NS = 100_000  # the cause of a shorter wait is not searched


def read_closed(snapshot: ReadSnapshot, follower: str, limit: int) -> ClosedLifecycles:
    """See ``Store.closed_lifecycles``."""
    wanted: list[int] = []
    position = cursor = _cursor(snapshot, follower)
    latest_ns = 0
    entries = snapshot.connection.execute(
        "SELECT entry, at_ns, keys FROM outbox WHERE entry > ? ORDER BY entry", (cursor,)
    )
    for entry, at_ns, packed in entries:
        entry_keys = unpack(packed)
        if wanted and len(wanted) + len(entry_keys) > limit:
            break
        wanted += entry_keys
        position = entry
        latest_ns = max(latest_ns, at_ns)
    entries.close()
    # The collector wrote abandoned lifecycles when their process was dead. A clock that is behind the collector's would
    # take the process for alive.
    snapshot = ReadSnapshot(snapshot.connection, snapshot.liveness.not_before(latest_ns))
    stored = {row.key: row for row in snapshot.lifecycle_rows(wanted)}
    rows = [stored[key] for key in wanted if key in stored]
    lifecycles = snapshot.decoder.lifecycles(rows, roots=read_roots(snapshot, rows))
    processes = read_some_processes(snapshot, {keys.process_of(row.key) for row in rows})
    items = []
    for row, lifecycle in zip(rows, lifecycles, strict=True):
        if lifecycle.phase not in {"closed", "abandoned"}:
            continue  # its process was taken for dead and came back
        process = processes[lifecycle.process]
        ended_ns = row.latest_ns if lifecycle.phase == "closed" else max(row.latest_ns, process.last_seen_ns)
        items.append(ClosedLifecycle(lifecycle, ended_ns))
    return ClosedLifecycles(
        items=items,
        processes=processes,
        context=snapshot.decoder.lifecycles(_context(snapshot, rows)),
        position=position,
        expired=len(wanted) - len(rows),
    )


def _cursor(snapshot: ReadSnapshot, follower: str) -> int:
    row = snapshot.connection.execute("SELECT cursor FROM followers WHERE name = ?", (follower,)).fetchone()
    return row[0] if row else 0


def _context(snapshot: ReadSnapshot, rows: Iterable[LifecycleRow]) -> list[LifecycleRow]:
    """Other lifecycles that held a resource, or waited for it, since one of the rows began to wait for it."""
    first_ns: dict[int, int] = {}
    last_key: dict[int, int] = {}
    for row in rows:
        if row.wait_ns is None or row.wait_ns >= _MIN_WAIT_NS:
            first_ns[row.resource] = min(first_ns.get(row.resource, row.acquire_ns), row.acquire_ns)
            last_key[row.resource] = max(last_key.get(row.resource, 0), row.key)
    shown = {row.key for row in rows}
    resources = snapshot.decoder.resource_refs(last_key)
    context: dict[int, LifecycleRow] = {}
    for resource, key in last_key.items():
        if resources[resource].capacity is None:
            continue
        earlier = snapshot.uses_before(resource, key, first_ns[resource], _MAX_CONTEXT)
        for row in (*snapshot.open_uses(resource), *earlier):
            if row.key not in shown:
                context[row.key] = row
    return [context[key] for key in sorted(context)]
