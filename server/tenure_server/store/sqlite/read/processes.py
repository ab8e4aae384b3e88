"""The query of GET /api/processes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from tenure_server.model.labels import process_label
from tenure_server.model.records import Process
from tenure_server.store.protocol import Listing, Paging
from tenure_server.store.sqlite.file.key_scan import parse_cursor
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot, page_of


class _ProcessRow(NamedTuple):
    process: int
    id: bytes
    service: str
    host: str
    pid: int
    python: str
    started_ns: int
    last_seen_ns: int
    ended: int
    dropped: bytes
    skew_ns: int


_SELECT = f"SELECT {', '.join(_ProcessRow._fields)} FROM processes"  # noqa: S608 -- constant names


def read_processes(snapshot: ReadSnapshot, paging: Paging) -> Listing[Process]:
    (before,) = parse_cursor(paging.cursor, 1) if paging.cursor is not None else (1 << 62,)
    rows = snapshot.connection.execute(
        f"{_SELECT} WHERE process < ? ORDER BY process DESC LIMIT ?", (before, paging.limit + 1)
    )
    return page_of(
        map(_ProcessRow._make, rows),
        paging.limit,
        lambda row: (row.process,),
        lambda page: [_record(snapshot, row) for row in page],
    )


def read_some_processes(snapshot: ReadSnapshot, rows: Iterable[int]) -> dict[str, Process]:
    """The processes in these rows, by id."""
    processes: dict[str, Process] = {}
    for number in rows:
        row = snapshot.connection.execute(f"{_SELECT} WHERE process = ?", (number,)).fetchone()
        process = _record(snapshot, _ProcessRow._make(row))
        processes[process.id] = process
    return processes


def _record(snapshot: ReadSnapshot, row: _ProcessRow) -> Process:
    return Process(
        id=row.id.hex(),
        service=row.service,
        host=row.host,
        pid=row.pid,
        python=row.python,
        started_ns=row.started_ns,
        last_seen_ns=row.last_seen_ns,
        alive=snapshot.liveness.is_alive(row.ended, row.last_seen_ns),
        dropped=msgspec.msgpack.decode(row.dropped, type=dict[str, int]),
        clock_skew_ms=-round(row.skew_ns / 1_000_000),
        name=process_label(row.service, row.pid),
    )
