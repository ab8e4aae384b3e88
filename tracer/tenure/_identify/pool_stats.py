"""What a pool's own library says of its connections: how many are idle, and how long it took to make one.

An adapter says in ``Description.figures`` how the first is read. That is done when a batch is made, on the shipping
thread, so it may read attributes and nothing more. The second is noted by ``PoolRegistry.created`` when it happens.

A pool is the object that its resource stands for. Nothing here keeps it alive.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from tenure import wire_constants
from tenure._core import object_access
from tenure._identify.resource_ids import Resource, ResourceIds


class PoolStats(NamedTuple):
    """``idle`` connections are open and unused; ``idle_max`` may be, None where no bound is known."""

    idle: int
    idle_max: int | None = None


Read = Callable[[object], PoolStats | None]  # None: this pool keeps no connections


class WatchedPool(NamedTuple):
    """A pool whose connections are reported."""

    resource: Resource
    reference: weakref.ref[object]
    read: Read


class PoolRegistry:
    """The pools of one recording."""

    def __init__(self, resource_ids: ResourceIds) -> None:
        self.watched: dict[int, WatchedPool] = {}  # by the id of the resource; a dead pool stays until it is reported
        self._created: object_access.ByIdentity[deque[int]] = object_access.ByIdentity()  # ns; by pool
        self._resource_ids = resource_ids

    def watch(self, number: int, pool: object, read: Read) -> None:
        """Report from now on the pool that this resource stands for."""
        self.watched[number] = WatchedPool(self._resource_ids.table[number], weakref.ref(pool), read)

    def created(self, pool: object, ns: int) -> None:
        """Note how long it took to make a connection."""
        durations = self._created.get(pool)
        if durations is None:
            durations = deque(maxlen=wire_constants.MAX_CREATED)
            self._created.put(pool, durations)
        durations.append(ns)

    def take_created(self, pool: object) -> list[int]:
        """What was noted of this pool since the last time, in ns; the program may note more meanwhile."""
        durations = self._created.get(pool)
        return [durations.popleft() for _ in range(len(durations))] if durations else []
