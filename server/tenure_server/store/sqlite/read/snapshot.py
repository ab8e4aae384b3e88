"""One snapshot of the store, and what all queries share: keys in chunks, pages and cursors."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property
from itertools import islice
from typing import TypeVar

from tenure_server.errors import StoreFailed
from tenure_server.store.protocol import Listing, Paging
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.key_scan import MakeRow, Position, RowSelection, format_cursor, parse_cursor
from tenure_server.store.sqlite.file.liveness import Liveness
from tenure_server.store.sqlite.file.rows import LIFECYCLE_COLUMNS, LifecycleRow
from tenure_server.store.sqlite.file.schema import OPEN
from tenure_server.store.sqlite.file.transactions import roll_back
from tenure_server.store.sqlite.read.filters import PublicIds
from tenure_server.store.sqlite.read.row_decoder import RowDecoder, in_chunks

T = TypeVar("T")
Row = TypeVar("Row")
Item = TypeVar("Item")


class ReadSnapshot:
    """What one query reads from: a connection within one transaction. Each query has its own."""

    def __init__(self, connection: sqlite3.Connection, liveness: Liveness) -> None:
        self.connection = connection
        self.liveness = liveness
        self.decoder = RowDecoder(connection, liveness)
        self.ids = PublicIds(connection)

    @cached_property
    def now_ns(self) -> int:
        """The time of the snapshot, by the collector's clock."""
        return self.liveness.clock()

    def living_processes(self) -> set[int]:
        rows = self.connection.execute("SELECT process, ended, last_seen_ns FROM processes")
        return {process for process, ended, last_seen_ns in rows if self.liveness.is_alive(ended, last_seen_ns)}

    def in_chunks(self, sql: str, wanted: Collection[int], make: MakeRow[Row]) -> Iterator[Row]:
        """The rows that ``sql``, which ends in ``IN``, finds for the keys."""
        return in_chunks(self.connection, sql, wanted, make)

    def lifecycle_rows(self, wanted: Collection[int]) -> Iterator[LifecycleRow]:
        """Those of the keys that are stored."""
        sql = f"SELECT {LIFECYCLE_COLUMNS} FROM lifecycles WHERE key IN"  # noqa: S608 -- constant names
        return self.in_chunks(sql, wanted, LifecycleRow._make)

    def open_rows(self, selection: RowSelection) -> Iterator[LifecycleRow]:
        """The open lifecycles of a selection, newest first, whether or not their process is alive."""
        rows = self.connection.execute(
            f"SELECT {LIFECYCLE_COLUMNS} {OPEN} AND {selection.where} ORDER BY acquire_ns DESC, key DESC",
            selection.values,
        )
        for row in map(LifecycleRow._make, rows):
            if keys.process_of(row.key) in selection.processes:
                yield row

    def count_open(self, selection: RowSelection, until_ns: int | None) -> tuple[int, int]:
        """How many open lifecycles of a selection have acquired their resource, and how many have not."""
        counts = [0, 0]
        rows = self.connection.execute(
            f"SELECT key >> {keys.NUMBER_BITS} AS process, wait_ns IS NULL, count(*) {OPEN} AND {selection.where}"
            " AND acquire_ns < ? GROUP BY 1, 2",
            (*selection.values, (1 << 62) if until_ns is None else until_ns),
        )
        for process, is_waiting, count in rows:
            if process in selection.processes:
                counts[is_waiting] += count
        return counts[0], counts[1]

    def open_uses(self, resource: int) -> Iterator[LifecycleRow]:
        """The open lifecycles of a resource."""
        rows = self.connection.execute(f"SELECT {LIFECYCLE_COLUMNS} {OPEN} AND resource = ?", (resource,))
        return map(LifecycleRow._make, rows)

    def uses_before(self, resource: int, key: int, ended_after_ns: int, limit: int) -> Iterator[LifecycleRow]:
        """Of the latest ``limit`` lifecycles of a resource whose keys are below this one: those that ended later."""
        latest = f"SELECT {LIFECYCLE_COLUMNS} FROM lifecycles WHERE resource = ? AND key < ? ORDER BY key DESC LIMIT ?"  # noqa: S608 -- constant names
        ended = "acquire_ns + coalesce(wait_ns, 0) + coalesce(hold_ns, 0) + release_ns"
        sql = f"SELECT * FROM ({latest}) WHERE release_ns IS NULL OR {ended} > ?"  # noqa: S608 -- constant names
        return map(LifecycleRow._make, self.connection.execute(sql, (resource, key, limit, ended_after_ns)))


def read_within(connection: sqlite3.Connection, liveness: Liveness, read: Callable[[ReadSnapshot], T]) -> T:
    """Call ``read`` within one state of the store.

    Raises:
        StoreFailed: the database cannot be read.
    """
    try:
        connection.execute("BEGIN")
        try:
            return read(ReadSnapshot(connection, liveness))
        finally:
            roll_back(connection)
    except sqlite3.Error as error:
        raise StoreFailed(f"the store could not be read: {error}") from error


def page_of(
    rows: Iterable[Row],
    limit: int,
    position: Callable[[Row], tuple[int, ...]],
    records: Callable[[list[Row]], list[Item]],
) -> Listing[Item]:
    """The first ``limit`` rows as records, with a cursor where more rows follow."""
    page = list(islice(rows, limit + 1))
    cursor = format_cursor(*position(page[limit - 1])) if len(page) > limit else None
    return Listing(records(page[:limit]), cursor)


def position_of(paging: Paging) -> Position | None:
    """The position of the last row of the previous page; None: this is the first page."""
    if paging.cursor is None:
        return None
    instant, key = parse_cursor(paging.cursor, 2)
    return instant, key
