"""Several resources: first a file and a network connection in one manager, then both in one `async with` statement.

tenure run -o textbook_several.mmd examples/textbook_several.py
"""

import asyncio
import contextlib
import tempfile
from pathlib import Path


class AsyncFile:
    def __init__(self, path):
        self.path = path

    async def __aenter__(self):
        self._file = await asyncio.to_thread(self.path.open, "ab")
        return self

    async def __aexit__(self, exc_type, exc, traceback):
        await asyncio.to_thread(self._file.close)

    async def write(self, data):
        await asyncio.to_thread(self._file.write, data)


class NetworkConnection:
    def __init__(self, host, port):
        self.address = host, port

    async def __aenter__(self):
        self._reader, self._writer = await asyncio.open_connection(*self.address)
        return self

    async def __aexit__(self, exc_type, exc, traceback):
        self._writer.close()
        await self._writer.wait_closed()

    async def read(self):
        return await self._reader.readline()


class Download:
    """A file and a network connection in one manager: both are open, or neither is."""

    def __init__(self, host, port, path):
        self.connection = NetworkConnection(host, port)
        self.file = AsyncFile(path)

    async def __aenter__(self):
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self.connection)
            await stack.enter_async_context(self.file)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, exc_type, exc, traceback):
        await self._stack.aclose()

    async def run(self):
        await self.file.write(await self.connection.read())


async def greet(reader, writer):
    writer.write(b"hello\n")
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def main():
    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "greetings.txt"
        async with Download(host, port, path) as download:
            await download.run()
        async with NetworkConnection(host, port) as connection, AsyncFile(path) as file:
            await file.write(await connection.read())
        print(path.read_text(), end="")
    server.close()
    await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(main())
