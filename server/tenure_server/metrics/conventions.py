"""The metrics of a resource and their names, which are OpenTelemetry's where the semantic conventions have one.

A pool of database connections has the metrics ``db.client.connection.*``
(https://opentelemetry.io/docs/specs/semconv/database/database-metrics/), every other resource ``tenure.resource.*``.
docs/opentelemetry.md is the table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tenure_server.store import ResourceSeries
from tenure_server.store.histogram import Spread

POOL_NAME, POOL_STATE = "db.client.connection.pool.name", "db.client.connection.state"
OVERFLOW = "otel.metric.overflow"


class Times(NamedTuple):
    """A histogram of seconds. ``read`` returns None where the resource has no such times."""

    name: str
    description: str
    read: Callable[[ResourceSeries], Spread | None]


class Number(NamedTuple):
    """A sum, monotonic or not. ``state`` is the attribute that distinguishes two points of one resource."""

    name: str
    unit: str
    description: str
    read: Callable[[ResourceSeries], int | None]
    is_monotonic: bool = False
    state: str = ""


def _created(resource: ResourceSeries) -> Spread | None:
    """None where the pool's library reports no connections: then their number is unknown, not 0."""
    return resource.creates if resource.idle is not None or resource.creates.count else None


_POOL, _OTHER = "db.client.connection", "tenure.resource"
_COUNT = f"{_POOL}.count", "{connection}", "Connections by state."

POOL_TIMES = (
    Times(f"{_POOL}.wait_time", "Time it took to obtain a connection.", lambda resource: resource.waits),
    Times(f"{_POOL}.use_time", "Time for which a connection was held.", lambda resource: resource.holds),
    Times(f"{_POOL}.create_time", "Time it took to create a connection.", _created),
)
POOL_NUMBERS = (
    Number(*_COUNT, lambda resource: resource.open, state="used"),
    Number(*_COUNT, lambda resource: resource.idle, state="idle"),
    Number(
        f"{_POOL}.idle.max", "{connection}", "Maximum number of idle connections.", lambda resource: resource.idle_max
    ),
    Number(f"{_POOL}.max", "{connection}", "Maximum number of open connections.", lambda resource: resource.capacity),
    Number(
        f"{_POOL}.pending_requests",
        "{request}",
        "Requests that are waiting for a connection.",
        lambda resource: resource.waiting,
    ),
    Number(
        f"{_POOL}.timeouts",
        "{timeout}",
        "Waits that ended in a timeout.",
        lambda resource: resource.timeouts,
        True,
    ),
)
OTHER_TIMES = (
    Times(f"{_OTHER}.wait_time", "Time it took to acquire the resource.", lambda resource: resource.waits),
    Times(f"{_OTHER}.hold_time", "Time for which the resource was held.", lambda resource: resource.holds),
    Times(f"{_OTHER}.release_time", "Time it took to release the resource.", lambda resource: resource.releases),
)
OTHER_NUMBERS = (
    Number(f"{_OTHER}.open", "{lifecycle}", "Lifecycles that hold the resource.", lambda resource: resource.open),
    Number(
        f"{_OTHER}.waiting", "{lifecycle}", "Lifecycles that wait for the resource.", lambda resource: resource.waiting
    ),
    Number(
        f"{_OTHER}.missed",
        "{lifecycle}",
        "Waits that ended without the resource.",
        lambda resource: resource.missed,
        True,
    ),
)
