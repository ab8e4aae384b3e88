"""What is measured of the resources of living processes: the series, and what is open of them now."""

from __future__ import annotations

from msgspec.structs import asdict

from tenure_server.store.protocol import Measured
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.read.processes import read_some_processes
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot
from tenure_server.store.sqlite.write.series import decode_counts

_COUNTS = "SELECT series, kind, name, is_pool, is_overflow, counts FROM series WHERE process = ? ORDER BY series"
# A bound that one resource lacks is none for all of them. What is gone has neither connections nor room.
_NOW = """
SELECT series, iif(total(there) = total(there AND capacity IS NOT NULL), total(there * capacity), NULL), sum(idle),
    iif(total(there) = count(idle_max), sum(idle_max), NULL)
FROM (
    SELECT series, capacity, ifnull(gone, 0) = 0 AS there, idle, idle_max
    FROM series_resources JOIN resources ON resources.key = series_resources.resource
        LEFT JOIN pools ON pools.resource = series_resources.resource
    WHERE series_resources.resource BETWEEN ? AND ?)
GROUP BY series
"""
_OPEN = """
SELECT series, wait_ns IS NOT NULL, count(*) FROM lifecycles INDEXED BY lifecycles_open
    JOIN series_resources ON series_resources.resource = lifecycles.resource
WHERE release_ns IS NULL GROUP BY 1, 2
"""


def read_measures(reading: ReadSnapshot) -> list[Measured]:
    """See ``Store.measures``."""
    execute = reading.connection.execute
    waiting: dict[int, int] = {}
    using: dict[int, int] = {}
    for series, acquired, count in execute(_OPEN):
        (using if acquired else waiting)[series] = count
    found = []
    for row in sorted(reading.living()):
        (process,) = read_some_processes(reading, [row]).values()
        now = {series: bounds for series, *bounds in execute(_NOW, (keys.key(row, 0), keys.key(row, keys.NUMBERS)))}
        for series, kind, name, is_pool, is_overflow, counts in execute(_COUNTS, (row,)):
            capacity, idle, idle_max = now.get(series, (None, None, None))
            found.append(
                Measured(
                    process=process,
                    kind=kind,
                    name=name,
                    is_pool=bool(is_pool),
                    is_overflow=bool(is_overflow),
                    **asdict(decode_counts(counts)),
                    capacity=None if capacity is None else int(capacity),
                    waiting=waiting.get(series, 0),
                    open=using.get(series, 0),
                    idle=idle,
                    idle_max=idle_max,
                )
            )
    return found
