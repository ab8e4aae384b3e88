"""Which processes live: told by the batches they sent, and by how long this collector has been there to hear them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from tenure_server.limits import ALIVE_NS, DEAD_NS


class Liveness:
    """A process is alive while it has not said goodbye and was heard of in the last ten seconds of listening.

    A collector that was restarted has listened since its start only. It gives the benefit of the doubt to those who
    were heard of in the ten seconds before the store's last word.
    """

    def __init__(self, clock: Callable[[], int], listening_since_ns: int, doubt_from_ns: int) -> None:
        self.clock = clock
        self.listening_since_ns = listening_since_ns
        self.doubt_from_ns = doubt_from_ns

    @classmethod
    def from_now_on(cls, connection: sqlite3.Connection, clock: Callable[[], int]) -> Liveness:
        """Of a collector that begins to listen."""
        (last_word,) = connection.execute("SELECT max(last_seen_ns) FROM processes").fetchone()
        return cls(clock, clock(), (last_word or 0) - ALIVE_NS)

    def not_before(self, instant_ns: int) -> Liveness:
        """The same, for who knows that it is at least so late."""
        return Liveness(lambda: max(self.clock(), instant_ns), self.listening_since_ns, self.doubt_from_ns)

    def is_alive(self, ended: int, last_seen_ns: int) -> bool:
        return not ended and self._silence_ns(last_seen_ns) < ALIVE_NS

    def is_dead(self, ended: int, last_seen_ns: int) -> bool:
        """Whether it said goodbye, or has been silent for so long that nobody waits for it any more."""
        return bool(ended) or self._silence_ns(last_seen_ns) >= DEAD_NS

    def _silence_ns(self, last_seen_ns: int) -> int:
        if last_seen_ns >= self.doubt_from_ns:
            last_seen_ns = max(last_seen_ns, self.listening_since_ns)
        return self.clock() - last_seen_ns
