import asyncio

import pytest
from tests.tracer import servers
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve


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
        "connection: asyncio.timeout 2 s, ok ok ok",
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
