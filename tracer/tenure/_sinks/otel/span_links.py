"""Whom a lifecycle waited for, told from the rows that came so far.

As the collector tells it: where a resource with a capacity had all its places taken when the acquire came, it is the
one who had held it for longest, unless the wait was over before any holder began to give its place back. Whoever held
the resource then began before the one who waited, so its row is in the same batch at the latest, and before it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from tenure._sinks.otel.span_mapping import Stamps

WORTH_LINKING_NS = 100_000  # a shorter wait is none that somebody looks into
KEPT_RESOURCES = 1_000
KEPT_USES = 200  # of one resource that have ended: as many as may end between the flushes of one that waits and more


class _Use(NamedTuple):
    number: int
    stamps: Stamps


class Waits:
    """The newest uses of each resource that has a capacity."""

    def __init__(self) -> None:
        self._uses: OrderedDict[int, dict[int, Stamps]] = OrderedDict()

    def note(self, resource: int, number: int, stamps: Stamps) -> None:
        """A lifecycle as it stands now."""
        uses = self._uses.setdefault(resource, {})
        uses[number] = stamps
        self._uses.move_to_end(resource)
        if len(self._uses) > KEPT_RESOURCES:
            self._uses.popitem(last=False)
        if len(uses) > 2 * KEPT_USES:
            ended = [one for one, use in uses.items() if use.released is not None]
            for oldest in ended[: len(uses) - KEPT_USES]:
                del uses[oldest]

    def waited_for(self, resource: int, capacity: int, stamps: Stamps) -> int | None:
        """The holder that the lifecycle with these stamps waited for; None where it waited for nobody."""
        end = stamps.released if stamps.acquired is None else stamps.acquired
        if end is not None and end - stamps.acquire < WORTH_LINKING_NS:
            return None
        holders = [
            _Use(number, use)
            for number, use in self._uses.get(resource, {}).items()
            if use.acquired is not None
            and use.acquired < stamps.acquire
            and (use.released is None or use.released > stamps.acquire)
        ]
        if len(holders) < max(capacity, 1):
            return None
        got = stamps.acquired
        if got is not None and not any(use.stamps.release is not None and use.stamps.release <= got for use in holders):
            return None
        return min(holders, key=lambda use: use.stamps.acquired or 0).number
