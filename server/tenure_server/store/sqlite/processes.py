"""GET /api/processes, as the tables answer it."""

from __future__ import annotations

import msgspec

from tenure_server.records import Process
from tenure_server.store.protocol import Listing, Paging
from tenure_server.store.sqlite.reading import Reading, next_cursor
from tenure_server.store.sqlite.timeline import parse_cursor


def read_processes(reading: Reading, paging: Paging) -> Listing[Process]:
    (before,) = parse_cursor(paging.cursor, 1) if paging.cursor is not None else (1 << 62,)
    rows = reading.connection.execute(
        "SELECT process, id, service, host, pid, python, started_ns, last_seen_ns, ended, dropped FROM processes"
        " WHERE process < ? ORDER BY process DESC LIMIT ?",
        (before, paging.limit + 1),
    ).fetchall()
    items = [
        Process(
            id=process_id.hex(),
            service=service,
            host=host,
            pid=pid,
            python=python,
            started_ns=started_ns,
            last_seen_ns=last_seen_ns,
            alive=reading.aliveness.is_alive(ended, last_seen_ns),
            dropped=msgspec.msgpack.decode(dropped, type=dict[str, int]),
        )
        for _, process_id, service, host, pid, python, started_ns, last_seen_ns, ended, dropped in rows
    ]
    return Listing(items[: paging.limit], next_cursor(rows, paging.limit, lambda row: (row[0],)))
