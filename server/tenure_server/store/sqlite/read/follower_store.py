"""Reads for followers in a process that does not write: a file that a collector has open."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tenure_server.errors import StoreFailed
from tenure_server.store.protocol import ClosedLifecycles, Place
from tenure_server.store.sqlite.file.connection import connect_to_read
from tenure_server.store.sqlite.file.liveness import Liveness
from tenure_server.store.sqlite.file.store_files import Identity, identities
from tenure_server.store.sqlite.read.closed import read_endings
from tenure_server.store.sqlite.read.snapshot import read_within


class StoreReader:
    """One connection, opened when it is first used."""

    def __init__(self, place: Place, clock: Callable[[], int]) -> None:
        self._path = Path(os.path.realpath(os.fsdecode(place.path)))
        self._aliveness = Liveness(clock, place.listening_since_ns, place.doubt_from_ns)
        self._connection: sqlite3.Connection | None = None
        self._opened: list[Identity | None] = []  # the files, when the connection was opened
        self._executor = ThreadPoolExecutor(1, "tenure-read")

    async def endings(self, follower: str, limit: int) -> ClosedLifecycles:
        """See ``Store.endings``."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._endings, follower, limit)

    def _endings(self, follower: str, limit: int) -> ClosedLifecycles:
        found = identities(self._path)
        if self._connection is not None and found != self._opened:
            self._let_go()  # it was replaced: the collector has begun another one
        if self._connection is None:
            try:
                self._connection = connect_to_read(self._path)
            except sqlite3.Error as error:
                raise StoreFailed(f"the store {self._path} could not be opened: {error}") from error
            self._opened = found
        try:
            return read_within(
                self._connection, self._aliveness, lambda reading: read_endings(reading, follower, limit)
            )
        except StoreFailed:
            self._let_go()
            raise

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Let go of the file."""
        self._executor.shutdown()
        self._let_go()
