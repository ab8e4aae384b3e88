"""Decides which processes are alive: by their last batch, and by how long this collector has been listening."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from tenure_server.limits import ALIVE_NS, DEAD_NS


class Liveness:
    """A process is alive if it has not ended and has sent a batch within the last ALIVE_NS of listening.

    A restarted collector has listened only since its start. A process that sent a batch in the ALIVE_NS before the last
    batch in the store may still be alive: its silence counts from the start of the collector.
    """

    def __init__(self, clock: Callable[[], int], listening_since_ns: int, doubt_from_ns: int) -> None:
        self.clock = clock
        self.listening_since_ns = listening_since_ns
        self.doubt_from_ns = doubt_from_ns

    @classmethod
    def from_now_on(cls, connection: sqlite3.Connection, clock: Callable[[], int]) -> Liveness:
        """For a collector that begins to listen now."""
        (last_batch_ns,) = connection.execute("SELECT max(last_seen_ns) FROM processes").fetchone()
        return cls(clock, clock(), (last_batch_ns or 0) - ALIVE_NS)

    def not_before(self, instant_ns: int) -> Liveness:
        """The same, with a clock that is never before this instant."""
        return Liveness(lambda: max(self.clock(), instant_ns), self.listening_since_ns, self.doubt_from_ns)

    def is_alive(self, ended: int, last_seen_ns: int) -> bool:
        return not ended and self._silence_ns(last_seen_ns) < ALIVE_NS

    def is_dead(self, ended: int, last_seen_ns: int) -> bool:
        """Whether it has ended, or has been silent for DEAD_NS."""
        return bool(ended) or self._silence_ns(last_seen_ns) >= DEAD_NS

    def _silence_ns(self, last_seen_ns: int) -> int:
        if last_seen_ns >= self.doubt_from_ns:
            last_seen_ns = max(last_seen_ns, self.listening_since_ns)
        return self.clock() - last_seen_ns
