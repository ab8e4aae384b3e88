"""Which holder a lifecycle waited for, found in the rows so far.

The rule is the collector's (``tenure_server.diagram.wait_causes``): where a resource with a capacity had no place left
at the acquire, the lifecycle waited for the holder that had held it for longest, unless the wait ended before any
holder began to release. A holder began before the lifecycle that waits, so its row comes earlier in the same batch at
the latest.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from tenure._sinks.otel.span_mapping import Stamps
from tenure.semconv import MIN_LINKED_WAIT_NS

MAX_RESOURCES = 1_000
MAX_ENDED_USES = 200  # of one resource: more than end between two flushes of a lifecycle that waits


class _Use(NamedTuple):
    lifecycle: int
    stamps: Stamps


class WaitHistory:
    """The newest uses of each resource that has a capacity."""

    def __init__(self) -> None:
        self._uses: OrderedDict[int, dict[int, Stamps]] = OrderedDict()

    def update(self, resource: int, lifecycle: int, stamps: Stamps) -> None:
        """Store the current state of a lifecycle."""
        uses = self._uses.setdefault(resource, {})
        uses[lifecycle] = stamps
        self._uses.move_to_end(resource)
        if len(self._uses) > MAX_RESOURCES:
            self._uses.popitem(last=False)
        if len(uses) > 2 * MAX_ENDED_USES:
            ended = [lifecycle for lifecycle, use in uses.items() if use.released_ns is not None]
            for oldest in ended[: len(uses) - MAX_ENDED_USES]:
                del uses[oldest]

    def waited_for(self, resource: int, capacity: int, stamps: Stamps) -> int | None:
        """The lifecycle that held the resource; None where there was no wait, or too short a one to link."""
        wait_end_ns = stamps.released_ns if stamps.acquired_ns is None else stamps.acquired_ns
        if wait_end_ns is not None and wait_end_ns - stamps.acquire_ns < MIN_LINKED_WAIT_NS:
            return None
        holders = [
            _Use(lifecycle, use)
            for lifecycle, use in self._uses.get(resource, {}).items()
            if use.acquired_ns is not None
            and use.acquired_ns < stamps.acquire_ns
            and (use.released_ns is None or use.released_ns > stamps.acquire_ns)
        ]
        if not 0 < capacity <= len(holders):  # 0: a semaphore as a signal, which no holder gives back
            return None
        acquired_ns = stamps.acquired_ns
        if acquired_ns is not None and not any(
            use.stamps.release_ns is not None and use.stamps.release_ns <= acquired_ns for use in holders
        ):
            return None
        return min(holders, key=lambda use: use.stamps.acquired_ns or 0).lifecycle
