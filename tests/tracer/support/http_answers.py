"""A server that gives every request the same bytes."""

import asyncio
import contextlib


@contextlib.asynccontextmanager
async def serving(answer=b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"):
    answering = []

    async def respond(reader, writer):
        answering.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
                await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.gather(*answering)


async def with_server(use, *arguments, **named):
    """Runs ``use(url)`` with a server that is held by no statement."""
    manager = serving(*arguments, **named)
    url = await manager.gen.__anext__()
    try:
        return await use(url)
    finally:
        await manager.gen.aclose()
