"""What is measured of a resource, and by which names: OpenTelemetry's where the semantic conventions have one.

A pool of database connections is ``db.client.connection.*``
(https://opentelemetry.io/docs/specs/semconv/database/database-metrics/), all else ``tenure.resource.*``;
docs/opentelemetry.md is the table of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tenure_server.store import ResourceSeries
from tenure_server.store.histogram import Spread

POOL_NAME, POOL_STATE = "db.client.connection.pool.name", "db.client.connection.state"
KIND, NAME = "tenure.resource.kind", "tenure.resource.name"
OVERFLOW = "otel.metric.overflow"


class Times(NamedTuple):
    """A histogram of seconds. ``read``: None where this resource has none."""

    name: str
    description: str
    read: Callable[[ResourceSeries], Spread | None]


class Number(NamedTuple):
    """A sum, which ``is_monotonic`` or goes up and down. ``state`` tells two points of one resource apart."""

    name: str
    unit: str
    description: str
    read: Callable[[ResourceSeries], int | None]
    is_monotonic: bool = False
    state: str = ""


def _created(one: ResourceSeries) -> Spread | None:
    """None where nobody tells of a pool's connections, rather than that none was made."""
    return one.creates if one.idle is not None or one.creates.count else None


_POOL, _OTHER = "db.client.connection", "tenure.resource"
_COUNT = f"{_POOL}.count", "{connection}", "Connections by state."

POOL_TIMES = (
    Times(f"{_POOL}.wait_time", "Time it took to obtain a connection.", lambda one: one.waits),
    Times(f"{_POOL}.use_time", "Time for which a connection was held.", lambda one: one.holds),
    Times(f"{_POOL}.create_time", "Time it took to create a connection.", _created),
)
POOL_NUMBERS = (
    Number(*_COUNT, lambda one: one.open, state="used"),
    Number(*_COUNT, lambda one: one.idle, state="idle"),
    Number(f"{_POOL}.idle.max", "{connection}", "Maximum number of idle connections.", lambda one: one.idle_max),
    Number(f"{_POOL}.max", "{connection}", "Maximum number of open connections.", lambda one: one.capacity),
    Number(
        f"{_POOL}.pending_requests", "{request}", "Requests that are waiting for a connection.", lambda one: one.waiting
    ),
    Number(
        f"{_POOL}.timeouts",
        "{timeout}",
        "Waits that ended in a timeout.",
        lambda one: one.timeouts,
        True,
    ),
)
OTHER_TIMES = (
    Times(f"{_OTHER}.wait_time", "Time it took to acquire the resource.", lambda one: one.waits),
    Times(f"{_OTHER}.hold_time", "Time for which the resource was held.", lambda one: one.holds),
    Times(f"{_OTHER}.release_time", "Time it took to release the resource.", lambda one: one.releases),
)
OTHER_NUMBERS = (
    Number(f"{_OTHER}.open", "{lifecycle}", "Lifecycles that hold the resource.", lambda one: one.open),
    Number(f"{_OTHER}.waiting", "{lifecycle}", "Lifecycles that wait for the resource.", lambda one: one.waiting),
    Number(f"{_OTHER}.missed", "{lifecycle}", "Waits that ended without the resource.", lambda one: one.missed, True),
)
