import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite

from .tally import entered


class Pool:
    """A fixed number of open connections; ``acquire()`` waits for a free one."""

    def __init__(self, path: Path, capacity: int) -> None:
        self.path = path
        self.capacity = capacity
        self._connections: list[aiosqlite.Connection] = []
        self._free: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()

    async def open(self) -> None:
        for _ in range(self.capacity):
            connection = await aiosqlite.connect(self.path, isolation_level=None)
            entered("aiosqlite.connect(self.path, isolation_level=None)")
            self._connections.append(connection)
            self._free.put_nowait(connection)

    async def close(self) -> None:
        while self._connections:
            await self._connections.pop().close()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[aiosqlite.Connection]:
        connection = await self._free.get()
        try:
            yield connection
        finally:
            self._free.put_nowait(connection)
