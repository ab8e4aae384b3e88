"""What its server or its library closes has ended: it is neither held nor never closed."""

import asyncio
import gc

import aiohttp
import asyncpg
import pytest
import websockets
from tests.support.waiting import until
from websockets.asyncio.server import serve


def test_an_asyncpg_connection_that_the_server_terminates_has_ended(recorder, postgres):
    """When asyncpg notices, which needs no call of the program."""

    async def main():
        address = f"postgresql:{postgres}"
        connection, other = await asyncpg.connect(address), await asyncpg.connect(address)
        number = connection.get_server_pid()
        await other.execute("SELECT pg_terminate_backend($1)", number)
        await until(connection.is_closed)
        seen = recorder.lines()
        del connection
        gc.collect()
        await other.close()
        return seen

    kind = "main: asyncpg.connection.Connection shop"
    assert asyncio.run(main()) == [f"{kind}, ok ok ok", f"{kind}, ok ?"]
    assert recorder.lines() == [f"{kind}, ok ok ok"] * 2


@pytest.mark.parametrize("is_dropped", [False, True])
def test_a_websocket_that_the_server_closes_has_ended(recorder, is_dropped):
    """Also where the program drops it then without a close()."""

    async def answer(websocket):
        await websocket.send("bye")

    async def main():
        async with serve(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            websocket = await websockets.connect(f"ws://127.0.0.1:{port}")
            await websocket.recv()
            await websocket.wait_closed()
            if is_dropped:
                del websocket
                gc.collect()

    asyncio.run(main())
    assert [line.rpartition(", ")[2] for line in recorder.lines() if "websockets.connect" in line] == ["ok ok ok"]


def test_a_session_that_gives_its_connector_away_has_ended(recorder):
    """``detach()`` closes the session and leaves the connector open."""

    async def main():
        session = aiohttp.ClientSession()
        connector = session.connector
        session.detach()
        await connector.close()

    assert recorder.run(main()) == ["main: aiohttp.client.ClientSession session, ok ok ok"]


def test_a_session_whose_connector_is_closed_has_ended(recorder):
    """The connector is shared; another connector's session stays open."""

    async def main():
        connector = aiohttp.TCPConnector()
        first, second = (aiohttp.ClientSession(connector=connector, connector_owner=False) for _ in range(2))
        other = aiohttp.ClientSession()
        await connector.close()
        seen = [session.closed for session in (first, second, other)], recorder.lines()
        await other.close()
        return seen

    closed, lines = asyncio.run(main())
    assert closed == [True, True, False]
    assert [line.rpartition(", ")[2] for line in lines] == ["ok ok ok", "ok ok ok", "ok ?"]
