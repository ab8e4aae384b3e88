"""What is measured: one *series* for the resources of a process that have the same kind and name.

Counted in the transaction that writes the rows, and kept beside the lifecycles, which the retention deletes: a series
never goes back while its process lives. A process has MAX_SERIES of pools and as many of other resources; what comes
later counts as one more, its overflow. Which resources stand alone is settled when they come first, so that no count
moves from one series to another.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tenure import wire
from tenure_server.limits import MAX_SERIES
from tenure_server.store.histogram import Spread
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.schema import SERIES_TABLES
from tenure_server.store.sqlite.write.counters import Change

_MAX_KNOWN = 20_000


class Counts(msgspec.Struct, array_like=True):
    """What of a series only grows."""

    waits: Spread
    holds: Spread
    releases: Spread
    creates: Spread
    missed: int = 0
    timeouts: int = 0

    @classmethod
    def empty(cls) -> Counts:
        return cls(Spread.empty(), Spread.empty(), Spread.empty(), Spread.empty())

    def add(self, change: Change) -> None:
        self.waits.add(change.waits)
        self.holds.add(change.holds)
        self.releases.add(change.releases)
        self.missed += change.missed
        self.timeouts += change.timeouts


decode_counts = msgspec.msgpack.Decoder(Counts).decode
_encode = msgspec.msgpack.Encoder().encode


class SeriesTables:
    """Works on the writer's connection, in its transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        for table in SERIES_TABLES:
            connection.execute(table)
        self._connection = connection
        self._of_resource: dict[int, int] = {}  # series; by resource
        self._counts: OrderedDict[int, Counts] = OrderedDict()  # by series
        self._full: set[tuple[int, bool]] = set()  # process, is_pool
        self._created: dict[int, list[int]] = {}  # by resource: in the transaction that is going on

    def forget(self) -> None:
        """Drop what is cached: rows were deleted, or a transaction was undone."""
        self._of_resource.clear()
        self._counts.clear()
        self._full.clear()
        self._created.clear()

    def note_pools(self, pools: Iterable[wire.Pool], resources: Sequence[int]) -> None:
        """Keep what a batch says of pools; ``resources`` are the keys of its resources."""
        rows = []
        for pool in pools:
            key = resources[pool.resource]
            rows.append((key, pool.idle, pool.idle_max, pool.gone))
            self._created.setdefault(key, []).extend(pool.created_ns)
        self._connection.executemany("INSERT OR REPLACE INTO pools VALUES (?, ?, ?, ?)", rows)

    def write(self, changes: Mapping[int, Change]) -> None:
        """Count the changes of resources, whose durations are in order, and the connections that were made."""
        touched: dict[int, Counts] = {}
        for resource, change in changes.items():
            series = self._series(resource)
            counts = touched.get(series) or touched.setdefault(series, self._stored(series))
            counts.add(change)
        for resource, durations in self._created.items():
            series = self._series(resource)
            counts = touched.get(series) or touched.setdefault(series, self._stored(series))
            counts.creates.add(sorted(durations))
        self._created.clear()
        self._connection.executemany(
            "UPDATE series SET counts = ? WHERE series = ?",
            [(_encode(counts), series) for series, counts in touched.items()],
        )
        while len(self._counts) > _MAX_KNOWN:
            self._counts.popitem(last=False)

    def _stored(self, series: int) -> Counts:
        counts = self._counts.get(series)
        if counts is None:
            (found,) = self._connection.execute("SELECT counts FROM series WHERE series = ?", (series,)).fetchone()
            counts = self._counts[series] = decode_counts(found)
        else:
            self._counts.move_to_end(series)
        return counts

    def _series(self, resource: int) -> int:
        known = self._of_resource.get(resource)
        if known is None:
            if len(self._of_resource) > _MAX_KNOWN:
                self._of_resource.clear()
            known = self._of_resource[resource] = self._find(resource) or self._settle(resource)
        return known

    def _find(self, resource: int) -> int | None:
        found = self._connection.execute(
            "SELECT series FROM series_resources WHERE resource = ?", (resource,)
        ).fetchone()
        return None if found is None else found[0]

    def _settle(self, resource: int) -> int:
        """Decide for good where a resource counts."""
        kind, name, is_pool = self._connection.execute(
            "SELECT kind, name, stereotype = 'database' AND (capacity IS NOT NULL OR EXISTS"
            " (SELECT 1 FROM pools WHERE resource = key)) FROM resources WHERE key = ?",
            (resource,),
        ).fetchone()
        process = keys.process_of(resource)
        series = self._named(process, kind, name, bool(is_pool))
        self._connection.execute("INSERT INTO series_resources VALUES (?, ?)", (resource, series))
        return series

    def _named(self, process: int, kind: str, name: str, is_pool: bool) -> int:
        execute = self._connection.execute
        found = execute(
            "SELECT series FROM series WHERE (process, is_pool, is_overflow, kind, name) = (?, ?, 0, ?, ?)",
            (process, is_pool, kind, name),
        ).fetchone()
        if found is not None:
            return int(found[0])
        if (process, is_pool) not in self._full:
            (there,) = execute(
                "SELECT count(*) FROM series WHERE (process, is_pool, is_overflow) = (?, ?, 0)", (process, is_pool)
            ).fetchone()
            if there < MAX_SERIES:
                return self._new(process, is_pool, False, kind, name)
            self._full.add((process, is_pool))
        found = execute(
            "SELECT series FROM series WHERE (process, is_pool, is_overflow) = (?, ?, 1)", (process, is_pool)
        ).fetchone()
        return int(found[0]) if found is not None else self._new(process, is_pool, True, "", "")

    def _new(self, process: int, is_pool: bool, is_overflow: bool, kind: str, name: str) -> int:
        cursor = self._connection.execute(
            "INSERT INTO series VALUES (NULL, ?, ?, ?, ?, ?, ?)",
            (process, kind, name, is_pool, is_overflow, _encode(Counts.empty())),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid
