"""Metrics of resources, by OpenTelemetry's semantic conventions where they have one; pure.

A pool of database connections is measured as ``db.client.connection.*``, everything else as ``tenure.resource.*``;
docs/opentelemetry.md lists them. Resources of a process that have the same kind and name are measured as one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from math import exp
from typing import Literal, NamedTuple, TypeAlias

from msgspec.structs import replace

from tenure_server.labels import resource_label, short_kind
from tenure_server.records import Process
from tenure_server.store import Measured
from tenure_server.store.histogram import BUCKETS_PER_E

BOUNDS_S = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0)
POOL_NAME, POOL_STATE = "db.client.connection.pool.name", "db.client.connection.state"

Kind = Literal["histogram", "counter", "updown"]
Attributes = dict[str, str]
_Reader: TypeAlias = "Callable[[Measured], int | Spread]"


class Spread(NamedTuple):
    """How many durations fell up to each of BOUNDS_S and past the last, and their sum in seconds."""

    counts: list[int]
    sum_s: float


class Point(NamedTuple):
    process: Process
    attributes: Attributes
    value: int | Spread


class Metric(NamedTuple):
    """``unit`` is UCUM's."""

    name: str
    kind: Kind
    unit: str
    description: str
    points: list[Point]


def is_pool(measured: Measured) -> bool:
    """Whether it is a pool of database connections: a database's resource of a known capacity."""
    return measured.stereotype == "database" and measured.capacity is not None


def metrics(measures: Iterable[Measured]) -> list[Metric]:
    """All metrics that have a point."""
    pools: list[_Subject] = []
    others: list[_Subject] = []
    for one in _merged(measures):
        if is_pool(one):
            pools.append(_Subject(one, {POOL_NAME: resource_label(one.kind, one.name, None)}))
        else:
            name = one.name or short_kind(one.kind)
            others.append(_Subject(one, {"tenure.resource.kind": one.kind, "tenure.resource.name": name}))
    used = [_Subject(one, {**attributes, POOL_STATE: "used"}) for one, attributes in pools]
    pool, resource = "db.client.connection", "tenure.resource"
    found = [
        _metric(_About(f"{pool}.wait_time", "histogram", "s", "Time it took to obtain a connection."), pools, _waits),
        _metric(_About(f"{pool}.use_time", "histogram", "s", "Time for which a connection was held."), pools, _holds),
        _metric(_About(f"{pool}.count", "updown", "{connection}", "Connections in use."), used, _open),
        _metric(_About(f"{pool}.max", "updown", "{connection}", "Connections that may be in use."), pools, _capacity),
        _metric(
            _About(f"{pool}.pending_requests", "updown", "{request}", "Who waits for a connection."), pools, _waiting
        ),
        _metric(_About(f"{pool}.timeouts", "counter", "{timeout}", "Waits that ended without one."), pools, _missed),
        _metric(_About(f"{resource}.wait_time", "histogram", "s", "Time it took to acquire it."), others, _waits),
        _metric(_About(f"{resource}.hold_time", "histogram", "s", "Time for which it was held."), others, _holds),
        _metric(_About(f"{resource}.open", "updown", "{lifecycle}", "Lifecycles that hold it."), others, _open),
        _metric(
            _About(f"{resource}.waiting", "updown", "{lifecycle}", "Lifecycles that wait for it."), others, _waiting
        ),
        _metric(
            _About(f"{resource}.missed", "counter", "{lifecycle}", "Waits that ended without it."), others, _missed
        ),
    ]
    return [metric for metric in found if metric.points]


def spread(histogram: Mapping[int, int]) -> Spread:
    """The store's fine buckets in BOUNDS_S; each duration is taken for the middle of its bucket, within 2.5 %."""
    counts = [0] * (len(BOUNDS_S) + 1)
    total = 0.0
    for bucket, count in histogram.items():
        seconds = exp((bucket + 0.5) / BUCKETS_PER_E) / 1e9
        counts[bisect_left(BOUNDS_S, seconds)] += count
        total += seconds * count
    return Spread(counts, total)


class _Subject(NamedTuple):
    measured: Measured
    attributes: Attributes


class _About(NamedTuple):
    name: str
    kind: Kind
    unit: str
    description: str


def _metric(about: _About, subjects: Iterable[_Subject], value: _Reader) -> Metric:
    return Metric(*about, [Point(one.process, attributes, value(one)) for one, attributes in subjects])


def _waits(one: Measured) -> Spread:
    return spread(one.waits)


def _holds(one: Measured) -> Spread:
    return spread(one.holds)


def _open(one: Measured) -> int:
    return one.open


def _waiting(one: Measured) -> int:
    return one.waiting


def _capacity(one: Measured) -> int:
    return one.capacity or 0


def _missed(one: Measured) -> int:
    """Neither waiting any more nor ever acquired."""
    return max(one.total - one.waiting - sum(one.waits.values()), 0)


def _merged(measures: Iterable[Measured]) -> list[Measured]:
    found: dict[tuple[str, str, str], Measured] = {}
    for one in measures:
        key = one.process.id, one.kind, one.name
        found[key] = _sum(found[key], one) if key in found else one
    return list(found.values())


def _sum(one: Measured, other: Measured) -> Measured:
    """Two resources as one; its capacity is both's together, unless one has none."""
    limited = one.capacity is not None and other.capacity is not None
    return replace(
        one,
        capacity=(one.capacity or 0) + (other.capacity or 0) if limited else None,
        waiting=one.waiting + other.waiting,
        open=one.open + other.open,
        total=one.total + other.total,
        waits=dict(Counter(one.waits) + Counter(other.waits)),
        holds=dict(Counter(one.holds) + Counter(other.holds)),
    )
