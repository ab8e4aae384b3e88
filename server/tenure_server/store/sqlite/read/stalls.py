"""The query of GET /api/stalls."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from tenure_server.model.waits import Stall
from tenure_server.store.protocol import Listing, StallQuery
from tenure_server.store.sqlite.file.key_scan import RowSelection, parse_cursor
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot, page_of

_stack = msgspec.msgpack.Decoder(list[str])


class _StallRow(NamedTuple):
    process: int
    loop: int
    begin_ns: int
    duration_ns: int
    is_over: int
    thread: str
    task: int | None
    site: int | None
    stack: bytes


def read_stalls(snapshot: ReadSnapshot, query: StallQuery) -> Listing[Stall]:
    selection = RowSelection([])
    if query.process is not None:
        selection.add("process = ?", snapshot.ids.process(query.process) or 0)
    if query.since_ns is not None:
        selection.add("begin_ns + duration_ns >= ?", query.since_ns)
    if query.until_ns is not None:
        selection.add("begin_ns < ?", query.until_ns)
    if query.paging.cursor is not None:
        selection.add("(begin_ns, process, loop) < (?, ?, ?)", *parse_cursor(query.paging.cursor, 3))
    columns = ", ".join(_StallRow._fields)
    rows = snapshot.connection.execute(
        f"SELECT {columns} FROM stalls WHERE {selection.where}"  # noqa: S608 -- constant names
        " ORDER BY begin_ns DESC, process DESC, loop DESC LIMIT ?",
        [*selection.values, query.paging.limit + 1],
    )
    return page_of(
        map(_StallRow._make, rows),
        query.paging.limit,
        lambda row: (row.begin_ns, row.process, row.loop),
        lambda page: _records(snapshot, page),
    )


def _records(snapshot: ReadSnapshot, rows: list[_StallRow]) -> list[Stall]:
    tasks = snapshot.decoder.task_refs(row.task for row in rows if row.task is not None)
    sites = snapshot.decoder.sites(row.site for row in rows if row.site is not None)
    return [
        Stall(
            process=snapshot.decoder.process(row.process).hex,
            service=snapshot.decoder.process(row.process).service,
            loop=row.loop,
            thread=row.thread,
            begin_ns=row.begin_ns,
            duration_ns=row.duration_ns,
            over=bool(row.is_over),
            task=None if row.task is None else tasks[row.task],
            site=None if row.site is None else sites[row.site],
            stack=_stack.decode(row.stack),
        )
        for row in rows
    ]
