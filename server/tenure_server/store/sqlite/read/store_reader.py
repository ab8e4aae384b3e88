"""Reads for a follower in another process: from the file that a collector has open, without writing to it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tenure_server.errors import StoreFailed
from tenure_server.store.protocol import ClosedLifecycles, StoreLocation
from tenure_server.store.sqlite.file.connection import connect_to_read
from tenure_server.store.sqlite.file.liveness import Liveness
from tenure_server.store.sqlite.file.store_files import Identity, identities
from tenure_server.store.sqlite.read.closed import read_closed
from tenure_server.store.sqlite.read.snapshot import read_within


class StoreReader:
    """A store that only reads, by one connection. The connection is opened when it is first used."""

    def __init__(self, location: StoreLocation, clock: Callable[[], int]) -> None:
        self._path = Path(os.path.realpath(os.fsdecode(location.path)))
        self._liveness = Liveness(clock, location.listening_since_ns, location.doubt_from_ns)
        self._connection: sqlite3.Connection | None = None
        self._opened: list[Identity | None] = []  # the files at the time when the connection was opened
        self._executor = ThreadPoolExecutor(1, "tenure-read")

    async def closed_lifecycles(self, follower: str, limit: int) -> ClosedLifecycles:
        """See ``Store.closed_lifecycles``."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._read, follower, limit)

    def _read(self, follower: str, limit: int) -> ClosedLifecycles:
        files = identities(self._path)
        if self._connection is not None and files != self._opened:
            self._disconnect()  # the collector has begun another file
        if self._connection is None:
            try:
                self._connection = connect_to_read(self._path)
            except sqlite3.Error as error:
                raise StoreFailed(f"the store {self._path} could not be opened: {error}") from error
            self._opened = files
        try:
            return read_within(
                self._connection, self._liveness, lambda snapshot: read_closed(snapshot, follower, limit)
            )
        except StoreFailed:
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Close the connection, when a read that is going on has ended."""
        self._executor.shutdown()
        self._disconnect()
