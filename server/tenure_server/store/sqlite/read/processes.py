"""GET /api/processes, as the tables answer it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tenure_server.model.records import Process
from tenure_server.store.protocol import Listing, Paging
from tenure_server.store.sqlite.file.key_scan import RawRow, parse_cursor
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot, next_cursor

_SELECT = (
    "SELECT process, id, service, host, pid, python, started_ns, last_seen_ns, ended, dropped, skew_ns FROM processes"
)


def read_processes(reading: ReadSnapshot, paging: Paging) -> Listing[Process]:
    (before,) = parse_cursor(paging.cursor, 1) if paging.cursor is not None else (1 << 62,)
    rows = reading.connection.execute(
        f"{_SELECT} WHERE process < ? ORDER BY process DESC LIMIT ?", (before, paging.limit + 1)
    ).fetchall()
    items = [_record(reading, row) for row in rows[: paging.limit]]
    return Listing(items, next_cursor(rows, paging.limit, lambda row: (row[0],)))


def read_some_processes(reading: ReadSnapshot, wanted: Iterable[int]) -> dict[str, Process]:
    """The processes in these rows, by id."""
    rows = (reading.connection.execute(f"{_SELECT} WHERE process = ?", (row,)).fetchone() for row in wanted)
    records = [_record(reading, row) for row in rows]
    return {record.id: record for record in records}


def _record(reading: ReadSnapshot, row: RawRow) -> Process:
    _, process_id, service, host, pid, python, started_ns, last_seen_ns, ended, dropped, skew_ns = row
    return Process(
        id=process_id.hex(),
        service=service,
        host=host,
        pid=pid,
        python=python,
        started_ns=started_ns,
        last_seen_ns=last_seen_ns,
        alive=reading.aliveness.is_alive(ended, last_seen_ns),
        dropped=msgspec.msgpack.decode(dropped, type=dict[str, int]),
        clock_skew_ms=-round(skew_ns / 1_000_000),
    )
