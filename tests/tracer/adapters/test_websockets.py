"""websockets: client and server."""

import asyncio
from functools import partial

import pytest
from tests.tracer.support import servers
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tenure._identify import tracer
from tenure.adapters import websockets_server


async def echo(websocket):
    async for message in websocket:
        async with asyncio.timeout(2):
            await websocket.send(message)


async def talk(url):
    async with connect(url) as websocket:
        await websocket.send("hello")
        return await websocket.recv()


async def again_and_again(url):
    async for websocket in connect(url):
        await websocket.close()
        return


async def serve_and_talk(port):
    async with serve(echo, "127.0.0.1", port):
        return await talk(f"ws://user:secret@127.0.0.1:{port}/orders/17")


def own(recorder):
    pairs = zip(recorder.lines(), recorder.sites(), strict=True)
    return [line.replace("connection-1", "connection") for line, site in pairs if site.file == __file__]


def test_server_and_client_are_told_of_and_what_they_use_within_themselves_is_not(recorder, written):
    """A client is known by where it connects to, without a password and without a path, which may be made of ids."""
    port = servers.free_port()
    assert asyncio.run(written(serve_and_talk)(port)) == "hello"
    assert {site.file for site in recorder.sites()} == {__file__}
    assert own(recorder) == [
        "serve_and_talk: websockets.serve, ok ok ok",
        f"serve_and_talk: websockets.connect 127.0.0.1:{port}, ok ok ok",
        "connection: websockets.ServerConnection echo, ok ok ok",
        "connection: asyncio.timeout 2 s, ok ok ok",
    ]


async def fail(websocket):
    async with websocket:
        raise RuntimeError("a bug")


async def close_badly(websocket):
    websocket.transport.abort()
    await websocket.recv()


@pytest.mark.parametrize(
    ("handler", "line"),
    [
        (fail, "fail, ok error(RuntimeError) goes on"),
        (close_badly, "close_badly, ok error(ConnectionClosedError) goes on"),
    ],
)
def test_a_connection_is_named_by_its_handler_and_fails_with_it(recorder, caplog, handler, line):
    """It is placed there too; that a handler enters its own connection makes no second one."""

    async def main():
        port = servers.free_port()
        async with serve(handler, "127.0.0.1", port):
            with pytest.raises(ConnectionClosed):
                await talk(f"ws://127.0.0.1:{port}/orders/17")

    asyncio.run(main())
    assert [found.partition(" ")[2] for found in own(recorder) if "ServerConnection" in found] == [
        f"websockets.ServerConnection {line}"
    ]
    place = next(site for site in recorder.sites() if site.enter == "request")
    assert (place.function, place.line, place.exit) == (handler.__name__, handler.__code__.co_firstlineno, "close")
    assert "/tenure/" not in caplog.text


def test_all_that_a_connection_holds_hangs_under_it(recorder):
    """It is a root, whose server is held elsewhere."""

    async def main():
        port = servers.free_port()
        server = await serve(partial(echo), "127.0.0.1", port)
        await talk(f"ws://127.0.0.1:{port}")
        server.close()
        await server.wait_closed()

    asyncio.run(main())
    tree = [line for line in recorder.tree() if "connection" in line]
    assert [line.replace("connection-1", "connection") for line in tree] == [
        "connection: ServerConnection echo",
        "  connection: timeout 2 s",
    ]
    assert tracer.current.of(websockets_server._Connections).records == {}


def test_a_connection_that_the_handshake_refuses_is_not_told_of(recorder):
    """Its handler never runs."""

    def refuse(websocket, request):
        return websocket.respond(403, "no")

    async def main():
        port = servers.free_port()
        async with serve(echo, "127.0.0.1", port, process_request=refuse):
            with pytest.raises(InvalidStatus):
                await talk(f"ws://127.0.0.1:{port}")

    asyncio.run(main())
    assert not [line for line in recorder.lines() if "ServerConnection" in line]


def test_a_server_that_is_closed_ends_its_connections(recorder):
    """Which are seen as long as they are served."""

    async def main():
        port = servers.free_port()
        async with serve(echo, "127.0.0.1", port):
            websocket = await connect(f"ws://127.0.0.1:{port}")
            await websocket.send("hello")
            await websocket.recv()
            seen = [line for line in own(recorder) if "ServerConnection" in line]
        await websocket.close()
        return seen

    assert asyncio.run(main()) == ["connection: websockets.ServerConnection echo, ok ?"]
    assert [line for line in own(recorder) if "ServerConnection" in line] == [
        "connection: websockets.ServerConnection echo, ok ok ok"
    ]


def test_a_connection_made_anew_by_a_loop_is_told_of_at_the_loop(recorder):
    """`async for websocket in connect()` enters it within the library, for the program's line."""

    async def main():
        port = servers.free_port()
        server = await serve(echo, "127.0.0.1", port)
        await again_and_again(f"ws://127.0.0.1:{port}")
        server.close()
        await server.wait_closed()

    asyncio.run(main())
    sites = [site for site in recorder.sites() if site.function == "again_and_again"]
    assert [site.line for site in sites] == [again_and_again.__code__.co_firstlineno + 1]


def test_a_server_that_is_not_there_makes_the_connect_fail(recorder, written):
    """The program gets its OSError; nothing was held."""

    async def main():
        with pytest.raises(OSError, match="Connect call failed"):
            await written(talk)("ws://127.0.0.1:1")

    assert recorder.run(main()) == ["main: websockets.connect 127.0.0.1:1, error(ConnectionRefusedError)"]
