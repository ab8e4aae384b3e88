"""The parts that work on one open file of the store. Another file needs new parts: they cache its content."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import NamedTuple

from tenure_server.store.sqlite.file.liveness import Liveness
from tenure_server.store.sqlite.file.locking import Lock
from tenure_server.store.sqlite.write.outbox import Outbox
from tenure_server.store.sqlite.write.retention import Retention
from tenure_server.store.sqlite.write.writer import Writer


class Parts(NamedTuple):
    """The connection that writes, and the objects that use it, all in the writer's thread."""

    connection: sqlite3.Connection
    lock: Lock | None
    liveness: Liveness
    outbox: Outbox
    writer: Writer
    retention: Retention

    @classmethod
    def of(
        cls, connection: sqlite3.Connection, lock: Lock | None, clock: Callable[[], int], before: Parts | None
    ) -> Parts:
        """Parts for a file that was opened. ``before`` are the parts of the file that it replaces.

        Raises:
            sqlite3.Error: the file cannot be read or written.
        """
        liveness = Liveness.from_now_on(connection, clock)
        outbox = Outbox(connection, liveness)
        writer = Writer(connection, clock, outbox)
        if before is not None:
            writer.dropped.update(before.writer.dropped)
            if connection.execute("SELECT 1 FROM processes LIMIT 1").fetchone() is None:  # a new file
                outbox.begin_after(time.time_ns() // 1000)  # acknowledged entries of the old file must not exist here
            if before.outbox.names:
                outbox.follow(before.outbox.names)
        return cls(connection, lock, liveness, outbox, writer, Retention(connection, liveness))

    def close(self) -> None:
        """Close the connection, then release the lock."""
        self.connection.close()
        if self.lock is not None:
            self.lock.release()
