"""The metrics of the resources of living processes: their series, and how many lifecycles are open now."""

from __future__ import annotations

from msgspec.structs import asdict

from tenure_server.store.protocol import ResourceSeries
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.read.filters import NOT_INTERNAL
from tenure_server.store.sqlite.read.processes import read_some_processes
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot
from tenure_server.store.sqlite.write.series import decode_counts

_COUNTS = "SELECT series, kind, name, is_pool, is_overflow, counts FROM series WHERE process = ? ORDER BY series"
# The sum of a bound is null where one resource has no bound. A pool that is gone has no connections and no capacity.
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
_OPEN = f"""
SELECT series, wait_ns IS NOT NULL, count(*) FROM lifecycles INDEXED BY lifecycles_open
    JOIN series_resources ON series_resources.resource = lifecycles.resource
WHERE release_ns IS NULL AND {NOT_INTERNAL} GROUP BY 1, 2
"""  # noqa: S608 -- constant names


def read_resource_series(snapshot: ReadSnapshot) -> list[ResourceSeries]:
    """See ``Store.resource_metrics``."""
    execute = snapshot.connection.execute
    waiting: dict[int, int] = {}
    acquired: dict[int, int] = {}
    for series, is_acquired, count in execute(_OPEN):
        (acquired if is_acquired else waiting)[series] = count
    metrics = []
    for row in sorted(snapshot.living_processes()):
        (process,) = read_some_processes(snapshot, [row]).values()
        now = {series: bounds for series, *bounds in execute(_NOW, (keys.key(row, 0), keys.key(row, keys.NUMBERS)))}
        for series, kind, name, is_pool, is_overflow, counts in execute(_COUNTS, (row,)):
            capacity, idle, idle_max = now.get(series, (None, None, None))
            metrics.append(
                ResourceSeries(
                    process=process,
                    kind=kind,
                    name=name,
                    is_pool=bool(is_pool),
                    is_overflow=bool(is_overflow),
                    **asdict(decode_counts(counts)),
                    capacity=None if capacity is None else int(capacity),
                    waiting=waiting.get(series, 0),
                    open=acquired.get(series, 0),
                    idle=idle,
                    idle_max=idle_max,
                )
            )
    return metrics
