"""Why an acquire had to wait: who held the resource when it came, and how many had come before it.

For every resource with a capacity its lifecycles are passed once in the order of time, with a note of who holds it and
who waits; an acquire that finds all places taken has its cause there.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

from tenure_server.diagram import phrases
from tenure_server.diagram.build_forest import in_order
from tenure_server.model.records import Lifecycle

_RELEASED, _ACQUIRED, _ACQUIRE = 0, 1, 2  # at one and the same moment, in this order
_AT_ONCE_NS = 1_000  # a shorter wait was for nobody


class Cause(NamedTuple):
    """``first`` is the one who has held the resource for longest; ``ahead``: how many waited already."""

    first: Lifecycle
    more_holders: int
    ahead: int

    @property
    def text(self) -> str:
        holder = phrases.holder(self.first.task.name, self.first.site)
        return phrases.cause(holder, self.more_holders, self.ahead)


class Causes(NamedTuple):
    """By id of the waiting lifecycle: at its acquire, and, for those that wait now, as it stands now."""

    at_acquire: dict[str, Cause]
    now: dict[str, Cause]


def causes(lifecycles: Iterable[Lifecycle], context: Iterable[Lifecycle]) -> Causes:
    """The causes of all waits in ``lifecycles`` and ``context``."""
    by_resource: dict[str, dict[str, Lifecycle]] = {}
    for source in (context, lifecycles):
        for lifecycle in source:
            if lifecycle.resource.capacity is not None:
                by_resource.setdefault(lifecycle.resource.id, {})[lifecycle.id] = lifecycle
    found = Causes({}, {})
    for uses in by_resource.values():
        if len(uses) > 1 and any(_waited(use) for use in uses.values()):
            _pass(uses, found)
    return found


def _waited(use: Lifecycle) -> bool:
    end_ns = use.released_ns if use.acquired_ns is None else use.acquired_ns
    return end_ns is None or end_ns - use.acquire_ns >= _AT_ONCE_NS


def _pass(uses: dict[str, Lifecycle], found: Causes) -> None:
    holders: dict[str, Lifecycle] = {}
    waiters: dict[str, Lifecycle] = {}
    gone: set[str] = set()
    for _, what, use in sorted(_edges(uses), key=itemgetter(0, 1)):
        if what == _RELEASED:
            gone.add(use.id)
            holders.pop(use.id, None)
            waiters.pop(use.id, None)
        elif use.id in gone:
            continue
        elif what == _ACQUIRED:
            waiters.pop(use.id, None)
            holders[use.id] = use
        elif use.id not in holders:
            if _waited(use) and _taken(use, holders):
                found.at_acquire[use.id] = _cause(holders, len(waiters))
            waiters[use.id] = use
    for ahead, use in enumerate(waiters.values()):
        if use.id in found.at_acquire and holders:
            found.now[use.id] = _cause(holders, ahead)


def _edges(uses: dict[str, Lifecycle]) -> Iterable[tuple[int, int, Lifecycle]]:
    for use in in_order(uses.values()):
        yield use.acquire_ns, _ACQUIRE, use
        if use.acquired_ns is not None:
            yield use.acquired_ns, _ACQUIRED, use
        if use.released_ns is not None:
            yield use.released_ns, _RELEASED, use


def _taken(use: Lifecycle, holders: dict[str, Lifecycle]) -> bool:
    """All places are taken, and the wait is over only after somebody began to give one back.

    Who gets in earlier got in beside the holders: the resource knows better than its capacity (one that its holder may
    enter again, say).
    """
    capacity = use.resource.capacity
    if capacity is None or len(holders) < max(capacity, 1):
        return False
    got_ns = use.acquired_ns
    return got_ns is None or any(
        holder.release_ns is not None and holder.release_ns <= got_ns for holder in holders.values()
    )


def _cause(holders: dict[str, Lifecycle], ahead: int) -> Cause:
    return Cause(next(iter(holders.values())), len(holders) - 1, ahead)
