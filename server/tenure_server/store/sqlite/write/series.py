"""The metrics: one *series* for the resources of a process that have the same kind and name.

A series is counted in the transaction that writes the rows, and the retention does not change it: it never decreases
while its process lives. A process has MAX_SERIES series of pools and as many of other resources. Resources beyond that
share one more series, the overflow. The series of a resource is chosen once, so no count moves to another series.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tenure import wire
from tenure_server.limits import MAX_SERIES
from tenure_server.model.labels import name_in_source
from tenure_server.store.histogram import Spread
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.schema import SERIES_TABLES
from tenure_server.store.sqlite.write.counter_deltas import ResourceDelta

_MAX_KNOWN = 20_000


class Counts(msgspec.Struct, array_like=True):
    """The counts of a series; they only grow."""

    waits: Spread
    holds: Spread
    releases: Spread
    creates: Spread
    missed: int = 0
    timeouts: int = 0

    @classmethod
    def empty(cls) -> Counts:
        return cls(Spread.empty(), Spread.empty(), Spread.empty(), Spread.empty())

    def add(self, change: ResourceDelta) -> None:
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
        self._of_resource: dict[int, int] = {}  # resource -> series
        self._counts: OrderedDict[int, Counts] = OrderedDict()  # by series
        self._full: set[tuple[int, bool]] = set()  # process, is_pool
        self._created: dict[int, list[int]] = {}  # in the current transaction, by resource: ns to make a connection

    def forget(self) -> None:
        """Clear the caches: rows were deleted, or a transaction was rolled back."""
        self._of_resource.clear()
        self._counts.clear()
        self._full.clear()
        self._created.clear()

    def note_pools(self, pools: Iterable[wire.Pool], resources: Sequence[int]) -> None:
        """Write a batch's facts about pools; ``resources`` are the keys of its resources."""
        rows = []
        for pool in pools:
            key = resources[pool.resource]
            rows.append((key, pool.idle, pool.idle_max, pool.gone))
            self._created.setdefault(key, []).extend(pool.created_ns)
        self._connection.executemany("INSERT OR REPLACE INTO pools VALUES (?, ?, ?, ?)", rows)

    def write(self, changes: Mapping[int, ResourceDelta]) -> None:
        """Count the changes of resources, whose durations are sorted, and the noted new connections."""
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
            (encoded,) = self._connection.execute("SELECT counts FROM series WHERE series = ?", (series,)).fetchone()
            counts = self._counts[series] = decode_counts(encoded)
        else:
            self._counts.move_to_end(series)
        return counts

    def _series(self, resource: int) -> int:
        series = self._of_resource.get(resource)
        if series is None:
            if len(self._of_resource) > _MAX_KNOWN:
                self._of_resource.clear()
            series = self._of_resource[resource] = self._find(resource) or self._choose(resource)
        return series

    def _find(self, resource: int) -> int | None:
        row = self._connection.execute("SELECT series FROM series_resources WHERE resource = ?", (resource,)).fetchone()
        return None if row is None else row[0]

    def _choose(self, resource: int) -> int:
        """Choose the series of a resource, once."""
        kind, name, stereotype, is_pool = self._connection.execute(
            "SELECT kind, name, stereotype, stereotype = 'database' AND (capacity IS NOT NULL OR EXISTS"
            " (SELECT 1 FROM pools WHERE resource = key)) FROM resources WHERE key = ?",
            (resource,),
        ).fetchone()
        process = keys.process_of(resource)
        series = self._named(process, kind, name_in_source(name, stereotype), bool(is_pool))
        self._connection.execute("INSERT INTO series_resources VALUES (?, ?)", (resource, series))
        return series

    def _named(self, process: int, kind: str, name: str, is_pool: bool) -> int:
        execute = self._connection.execute
        row = execute(
            "SELECT series FROM series WHERE (process, is_pool, is_overflow, kind, name) = (?, ?, 0, ?, ?)",
            (process, is_pool, kind, name),
        ).fetchone()
        if row is not None:
            return int(row[0])
        if (process, is_pool) not in self._full:
            (count,) = execute(
                "SELECT count(*) FROM series WHERE (process, is_pool, is_overflow) = (?, ?, 0)", (process, is_pool)
            ).fetchone()
            if count < MAX_SERIES:
                return self._new(process, is_pool, False, kind, name)
            self._full.add((process, is_pool))
        row = execute(
            "SELECT series FROM series WHERE (process, is_pool, is_overflow) = (?, ?, 1)", (process, is_pool)
        ).fetchone()
        return int(row[0]) if row is not None else self._new(process, is_pool, True, "", "")

    def _new(self, process: int, is_pool: bool, is_overflow: bool, kind: str, name: str) -> int:
        cursor = self._connection.execute(
            "INSERT INTO series VALUES (NULL, ?, ?, ?, ?, ?, ?)",
            (process, kind, name, is_pool, is_overflow, _encode(Counts.empty())),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid
