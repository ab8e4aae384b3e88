"""Why an acquire waited: which lifecycles held the resource, and how many waited before it.

For every resource with a capacity one sweep over its lifecycles in the order of time keeps the current holders and
waiters. If an acquire comes when the resource is full, the holders at that time are its cause.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

from tenure_server.diagram import phrases
from tenure_server.diagram.build_forest import in_order
from tenure_server.model.records import Lifecycle

_RELEASED, _ACQUIRED, _ACQUIRE = 0, 1, 2  # the order of edges at the same time
_MIN_WAIT_NS = 1_000  # a shorter wait has no cause


class Cause(NamedTuple):
    """``first`` has held the resource for longest; ``ahead``: how many waited already."""

    first: Lifecycle
    more_holders: int
    ahead: int

    @property
    def text(self) -> str:
        holder = phrases.holder(self.first.task.name, self.first.site)
        return phrases.cause(holder, self.more_holders, self.ahead)


class Causes(NamedTuple):
    """By id of the waiting lifecycle: the cause at its acquire; for those that still wait, also the current cause."""

    at_acquire: dict[str, Cause]
    now: dict[str, Cause]


def find_causes(lifecycles: Iterable[Lifecycle], context: Iterable[Lifecycle]) -> Causes:
    """The causes of all waits in ``lifecycles`` and ``context``."""
    by_resource: dict[str, dict[str, Lifecycle]] = {}
    for source in (context, lifecycles):
        for lifecycle in source:
            if lifecycle.resource.capacity is not None:
                by_resource.setdefault(lifecycle.resource.id, {})[lifecycle.id] = lifecycle
    causes = Causes({}, {})
    for uses in by_resource.values():
        if len(uses) > 1 and any(_waited(use) for use in uses.values()):
            _sweep(uses, causes)
    return causes


def _waited(use: Lifecycle) -> bool:
    end_ns = use.released_ns if use.acquired_ns is None else use.acquired_ns
    return end_ns is None or end_ns - use.acquire_ns >= _MIN_WAIT_NS


def _sweep(uses: dict[str, Lifecycle], causes: Causes) -> None:
    holders: dict[str, Lifecycle] = {}
    waiters: dict[str, Lifecycle] = {}
    ended: set[str] = set()
    for _, kind, use in sorted(_edges(uses), key=itemgetter(0, 1)):
        if kind == _RELEASED:
            ended.add(use.id)
            holders.pop(use.id, None)
            waiters.pop(use.id, None)
        elif use.id in ended:
            continue
        elif kind == _ACQUIRED:
            waiters.pop(use.id, None)
            holders[use.id] = use
        elif use.id not in holders:
            if _waited(use) and _is_full(use, holders):
                causes.at_acquire[use.id] = _cause(holders, len(waiters))
            waiters[use.id] = use
    for ahead, use in enumerate(waiters.values()):
        if use.id in causes.at_acquire and holders:
            causes.now[use.id] = _cause(holders, ahead)


def _edges(uses: dict[str, Lifecycle]) -> Iterable[tuple[int, int, Lifecycle]]:
    for use in in_order(uses.values()):
        yield use.acquire_ns, _ACQUIRE, use
        if use.acquired_ns is not None:
            yield use.acquired_ns, _ACQUIRED, use
        if use.released_ns is not None:
            yield use.released_ns, _RELEASED, use


def _is_full(use: Lifecycle, holders: dict[str, Lifecycle]) -> bool:
    """Whether the holders fill the resource, and one of them began to release before the wait ended.

    An acquire that ends before any release was let in beside the holders, as a re-entrant lock does: it did not wait
    for them.
    """
    capacity = use.resource.capacity
    if capacity is None or len(holders) < max(capacity, 1):
        return False
    acquired_ns = use.acquired_ns
    return acquired_ns is None or any(
        holder.release_ns is not None and holder.release_ns <= acquired_ns for holder in holders.values()
    )


def _cause(holders: dict[str, Lifecycle], ahead: int) -> Cause:
    return Cause(next(iter(holders.values())), len(holders) - 1, ahead)
