"""What a pool's own library says of its connections: how many are idle, and how long it took to make one.

An adapter tells by ``Description.figures`` how the first is read. That is done when a batch is made, on the shipping
thread, so it may read attributes and nothing more. The second it tells by ``created`` when it happens.

A pool is the object that its resource stands for. Nothing here keeps it alive.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from tenure import wire
from tenure._core import buffer, object_access
from tenure._identify import resource_ids

if TYPE_CHECKING:
    from tenure._assembly.tables import Tables


class PoolStats(NamedTuple):
    """``idle`` connections are open and in nobody's use; ``idle_max`` may be, None where no bound is known."""

    idle: int
    idle_max: int | None = None


Read = Callable[[object], PoolStats | None]  # None: this pool keeps no connections

_GONE = PoolStats(0)
_pools: dict[int, _Pool] = {}  # by the number of the resource
_created: object_access.ByIdentity[deque[int]] = object_access.ByIdentity()  # ns; by pool


class _Pool(NamedTuple):
    resource: resource_ids.Resource
    reference: weakref.ref[object]
    read: Read


def watch(number: int, pool: object, read: Read) -> None:
    """Tell from now on of the pool that this resource stands for."""
    _pools[number] = _Pool(resource_ids.table[number], weakref.ref(pool), read)


def is_watched(number: int) -> bool:
    """Whether this resource's pool is told of; a dead one is until it was told that it is gone."""
    return number in _pools


def created(pool: object, ns: int) -> None:
    """Note how long it took to make a connection."""
    durations = _created.get(pool)
    if durations is None:
        durations = deque(maxlen=wire.MAX_CREATED)
        _created.put(pool, durations)
    durations.append(ns)


def forget_all() -> None:
    """Begin anew."""
    _pools.clear()
    _created.clear()


class PoolReporter:
    """Puts the pools into one process's batches."""

    def __init__(self) -> None:
        self._last_reported: dict[int, PoolStats] = {}

    def pools(self, tables: Tables) -> list[wire.Pool]:
        """Those that the batch's rows used, and those that have changed since they were told of."""
        found: list[wire.Pool] = []
        for number, pool in list(_pools.items()):
            if len(found) == wire.MAX_POOLS:  # the next batch tells of the others
                break
            subject = pool.reference()
            figures = _GONE if subject is None else _read(number, pool, subject)
            if figures is None:
                continue
            durations = [] if subject is None else _taken(subject)
            if (
                durations
                or figures != self._last_reported.get(number)
                or subject is None
                or tables.has_resource(number)
            ):
                place = tables.resource(number, pool.resource)
                found.append(wire.Pool(place, *figures, durations, subject is None))
                self._last_reported[number] = figures
            if subject is None:
                _pools.pop(number, None)
                self._last_reported.pop(number, None)
        return found


def _read(number: int, pool: _Pool, subject: object) -> PoolStats | None:
    try:
        return pool.read(subject)
    except Exception as error:  # noqa: BLE001  # what we know of the library is not so in this version
        buffer.fault(f"reading how many connections of a {object_access.qualified_name(type(subject))} are idle", error)
        _pools.pop(number, None)
        return None


def _taken(pool: object) -> list[int]:
    """What was noted of this pool since the last time; the program may note more meanwhile."""
    durations = _created.get(pool)
    return [durations.popleft() for _ in range(len(durations))] if durations else []
