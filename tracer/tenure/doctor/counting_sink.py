"""The end of a record's way when nobody else wants it: batches are counted."""

from __future__ import annotations

from tenure import wire
from tenure._sinks.losses import Loss


class Counting:
    """A sink that keeps numbers alone. A forked child counts from zero."""

    wants_heartbeats = False

    def __init__(self) -> None:
        self._lifecycles: set[int] = set()
        self._internal: set[int] = set()
        self.dropped: dict[str, int] = {}

    @property
    def lifecycles(self) -> int:
        """How many came."""
        return len(self._lifecycles)

    @property
    def internal(self) -> int:
        """How many of them libraries entered for their own ends."""
        return len(self._internal)

    def send(self, batch: wire.Batch) -> None:
        """Count a batch."""
        self._lifecycles.update(row.id for row in batch.rows)
        self._internal.update(row.id for row in batch.rows if batch.sites[row.site].internal)
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
        self._internal.clear()
        self.dropped = {}
        return self
