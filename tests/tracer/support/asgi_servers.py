"""Real ASGI servers: each calls an application for a few requests, one after the other, and ends."""

import asyncio
import contextlib
import logging
from functools import partial

import hypercorn.asyncio
import hypercorn.config
import uvicorn
from tests.support.waiting import until
from tests.tracer.support import servers
from websockets.asyncio.client import connect


async def by_uvicorn(app, *requests, **options):
    """What uvicorn answers: status codes, and what a websocket said."""
    port = servers.free_port()
    config = {"ws": "websockets-sansio", "log_config": None, "log_level": "error"} | options
    server = uvicorn.Server(uvicorn.Config(app, port=port, **config))
    serving = asyncio.create_task(_unless_it_exits(server))
    await until(lambda: server.started or serving.done())
    answers = await _answers(port, requests) if server.started else []
    server.should_exit = True
    await serving
    return answers


@contextlib.asynccontextmanager
async def uvicorn_serving(config):
    """A server of this configuration, its port while it serves."""
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started or serving.done())
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


async def by_hypercorn(app, *requests):
    """What hypercorn answers, in the same words."""
    port, stop = servers.free_port(), asyncio.Event()
    config = hypercorn.config.Config()
    config.bind, config.errorlog, config.accesslog = [f"127.0.0.1:{port}"], logging.getLogger("hypercorn.error"), None
    serving = asyncio.create_task(hypercorn.asyncio.serve(app, config, shutdown_trigger=stop.wait))

    async def has_begun():
        return await _listens(port) or serving.done()

    await until(has_begun)
    answers = [] if serving.done() else await _answers(port, requests)
    stop.set()
    with contextlib.suppress(hypercorn.utils.LifespanFailureError):
        await serving
    return answers


async def ask(port, method, path):
    """All that comes back for a request, as bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def _unless_it_exits(server):
    with contextlib.suppress(SystemExit):  # of a startup that failed; out of a task it would end the loop
        await server.serve()


async def _answers(port, requests):
    answers = []
    for request in requests:
        verb, path = request.split()
        if verb == "WS":
            websocket = await connect(f"ws://127.0.0.1:{port}{path}")
            await websocket.send("hello")
            answers.append(await websocket.recv())
            await websocket.close()
        else:
            answers.append((await ask(port, verb, path)).split()[1].decode())
    return answers


async def _listens(port):
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()
        return True
    return False


SERVERS = {
    "uvicorn": by_uvicorn,  # with httptools
    "uvicorn, h11 and wsproto": partial(by_uvicorn, http="h11", ws="wsproto"),
    "uvicorn, zttp": partial(by_uvicorn, http="zttp"),
    "uvicorn without its middleware": partial(by_uvicorn, http="h11", proxy_headers=False),
    "hypercorn": by_hypercorn,
}


def lines(recorder, kind):
    return [line.partition(": ")[2] for line in recorder.lines() if f" {kind}" in line]
