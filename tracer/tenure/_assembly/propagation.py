"""Which lifecycles an exception only went through: it counts where it left the innermost one.

An exception is known again by its address, its type and its message. The address may be another exception's by then, so
the lifecycle that it left before must be the last that failed within.
"""

from __future__ import annotations

from collections.abc import Collection

from tenure._assembly.snapshot import Snapshot
from tenure._identify.exceptions import Failure
from tenure.wire_constants import ERROR


class Propagation:
    """The closed lifecycles of one flush that failed, and what left those within the open ones."""

    def __init__(self) -> None:
        self._failed: list[tuple[int, int, Snapshot]] = []  # number, parent's number
        self._inner: dict[int, Failure] = {}  # by number: what left the lifecycle within that failed last

    def note(self, number: int, parent: int, snapshot: Snapshot) -> None:
        """Add a lifecycle that closed with an exception; each one after its parent."""
        self._failed.append((number, parent, snapshot))

    def settle(self, open_numbers: Collection[int]) -> set[int]:
        """The numbers of those whose body's exception left an inner one before."""
        if not self._failed and not self._inner:
            return set()
        propagated = set()
        for number, parent, snapshot in reversed(self._failed):
            inner, body = self._inner.get(number), snapshot.body
            if inner is not None and body is not None and body.outcome == ERROR and _is_same(inner, body):
                propagated.add(number)
            leaving = snapshot.own_failure or (body if snapshot.raised is not None else None)
            if parent in open_numbers and leaving is not None:
                self._inner[parent] = leaving
        self._failed.clear()
        return propagated

    def forget_closed(self, open_numbers: Collection[int]) -> None:
        """Keep what left lifecycles within open ones alone."""
        if self._inner:
            self._inner = {number: inner for number, inner in self._inner.items() if number in open_numbers}


def _is_same(inner: Failure, body: Failure) -> bool:
    return (inner.identity, inner.type, inner.message) == (body.identity, body.type, body.message)
