"""What a pool's own library says of its connections: how many are idle, and how long it took to make one.

An adapter tells by ``Description.figures`` how the first is read. That is done when a batch is made, on the shipping
thread, so it may read attributes and nothing more. The second it tells by ``created`` when it happens.

A pool is the object that its resource stands for. Nothing here keeps it alive.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from tenure import wire
from tenure._core import object_access
from tenure._identify import resource_ids


class PoolStats(NamedTuple):
    """``idle`` connections are open and in nobody's use; ``idle_max`` may be, None where no bound is known."""

    idle: int
    idle_max: int | None = None


Read = Callable[[object], PoolStats | None]  # None: this pool keeps no connections

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
