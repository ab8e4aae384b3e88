"""The end of a record's way when nobody else wants it: batches are counted."""

from __future__ import annotations

from tenure import wire
from tenure._sinks.losses import Loss


class Counting:
    """A sink that keeps numbers alone. A forked child counts from zero."""

    wants_heartbeats = False

    def __init__(self) -> None:
        self._lifecycles: set[int] = set()
        self.dropped: dict[str, int] = {}

    @property
    def lifecycles(self) -> int:
        """How many came."""
        return len(self._lifecycles)

    def send(self, batch: wire.Batch) -> None:
        """Count a batch."""
        self._lifecycles.update(row.id for row in batch.rows)
        self.dropped = dict(batch.dropped)

    def settle(self, seconds: float) -> bool:  # noqa: ARG002  # a sink's settling may take so long
        """What came is counted."""
        return True

    def lost(self) -> list[Loss]:
        """Nothing."""
        return []

    def close(self, seconds: float) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def fork(self) -> Counting:
        self._lifecycles.clear()
        self.dropped = {}
        return self
