"""What aiohttp's client holds of its connector, in every form of a request."""

import asyncio
import gc

import aiohttp
import pytest
from aiohttp import web
from tests.tracer.support import servers

POOL = "aiohttp.connector.TCPConnector"


@pytest.fixture(autouse=True)
def uses_alone(recorder):
    """A client that a test makes by hand is not listed."""
    recorder.leave_out("ClientSession")


async def answer(request):
    return web.Response(text="done")


async def go_on(request):
    raise web.HTTPFound("/")


async def refuse(request):
    raise web.HTTPServiceUnavailable


async def take_long(request):
    await asyncio.sleep(30)
    return web.Response(text="done")


async def pour(request):
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(3):
        await response.write(b"x" * 100_000)
    return response


async def never_end(request):
    response = web.StreamResponse()
    await response.prepare(request)
    await asyncio.sleep(30)


async def echo(request):
    websocket = web.WebSocketResponse()
    await websocket.prepare(request)
    async for message in websocket:
        await websocket.send_str(message.data)
    return websocket


HANDLERS = {
    "/": answer,
    "/go-on": go_on,
    "/refuse": refuse,
    "/long": take_long,
    "/pour": pour,
    "/endless": never_end,
    "/echo": echo,
}


@pytest.fixture
def run(recorder):
    """Runs ``use(session, url)`` against a real server, and tells what was held of the session and its connector."""

    async def main(use, **options):
        app = web.Application()
        app.add_routes([web.get(path, handler) for path, handler in HANDLERS.items()])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(**options))
        try:
            await use(session, "http://{}:{}".format(*runner.addresses[0]))
        finally:
            await session.close()
            await runner.cleanup()

    def told(use, **options):
        asyncio.run(main(use, **options))
        own = ("aiohttp.connector", "aiohttp.client")
        return [line.partition(": ")[2] for line in recorder.lines() if line.partition(": ")[2].startswith(own)]

    return told


def pool_lines(lines):
    return [line for line in lines if POOL in line]


async def enter(session, url):
    async with session.get(f"{url}/") as response:
        await response.read()


async def only_await(session, url):
    response = await session.get(f"{url}/pour")
    response.release()


async def only_await_and_close(session, url):
    response = await session.request("GET", f"{url}/pour")
    response.close()


async def await_and_read(session, url):
    response = await session.get(f"{url}/pour")
    await response.read()


async def await_and_forget(session, url):
    await session.get(f"{url}/pour")
    gc.collect()
    await asyncio.sleep(0)  # the connector gives the connection back in a callback of the loop


async def enter_a_websocket(session, url):
    async with session.ws_connect(f"{url}/echo") as websocket:
        await websocket.send_str("hello")
        assert await websocket.receive_str() == "hello"


async def await_a_websocket(session, url):
    websocket = await session.ws_connect(f"{url}/echo")
    await websocket.close()


@pytest.mark.parametrize(
    ("use", "lines"),
    [
        (enter, ["aiohttp.client.ClientSession session, ok ok ok", f"{POOL} (100), ok ok ok"]),
        (only_await, [f"{POOL} (100), ok ok ok"]),
        (only_await_and_close, [f"{POOL} (100), ok ok ok"]),
        (await_and_read, [f"{POOL} (100), ok ok ok"]),
        (await_and_forget, [f"{POOL} (100), ok ok ok"]),
        (enter_a_websocket, ["aiohttp.client.ClientSession session, ok ok ok", f"{POOL} (100), ok ok ok"]),
        (await_a_websocket, [f"{POOL} (100), ok ok ok"]),
    ],
)
def test_a_connection_is_held_until_the_response_is_done_with(run, use, lines):
    """Entered or only awaited, read, released, closed or forgotten; websockets too. The limit is the capacity."""
    assert run(use) == lines


def test_a_response_that_nobody_closes_holds_its_connection(run, recorder):
    """A leak is seen as what it is: held still."""
    seen = []

    async def leak(session, url):
        response = await session.get(f"{url}/endless")
        seen.extend(await recorder.until([f"main: {POOL} (100), ok ?"], pool_lines))
        response.close()

    run(leak)
    assert seen == [f"main: {POOL} (100), ok ?"]


def test_waiting_for_the_pool_is_an_acquire_that_waits(run, recorder):
    """Two requests at once on a connector of one: the second has its connection when the first gave it back."""

    async def ask(session, url, done):
        async with session.get(f"{url}/endless"):
            await done.wait()

    async def both(session, url):
        done = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(ask(session, url, done))
            group.create_task(ask(session, url, done))
            seen.extend(await recorder.until(["ok ?", "?"], phases))
            done.set()

    def phases(lines):
        return [line.partition(", ")[2] for line in lines if POOL in line]

    seen = []
    lines = run(both, limit=1)
    assert seen == ["ok ?", "?"]
    assert [line for line in lines if POOL in line] == [f"{POOL} (1), ok ok ok"] * 2


def test_a_request_that_waits_too_long_for_the_pool_fails_to_acquire(run):
    """The program gets aiohttp's own exception."""

    async def use(session, url):
        first = await session.get(f"{url}/endless")
        with pytest.raises(aiohttp.ConnectionTimeoutError):
            await session.get(f"{url}/", timeout=aiohttp.ClientTimeout(connect=0.02))
        first.close()

    assert run(use, limit=1) == [f"{POOL} (1), ok ok ok", f"{POOL} (1), error(TimeoutError)"]


def test_a_redirect_takes_a_connection_for_each_step(run):
    """And the session's handle stands for all of them."""

    async def use(session, url):
        async with session.get(f"{url}/go-on") as response:
            assert response.status == 200

    assert run(use) == [
        "aiohttp.client.ClientSession session, ok ok ok",
        f"{POOL} (100), ok ok ok",
        f"{POOL} (100), ok ok ok",
    ]


def test_a_refusal_that_is_raised_is_the_bodys_failure(run):
    """raise_for_status() within the block; asked of the request itself it makes the acquire fail."""

    async def within(session, url):
        with pytest.raises(aiohttp.ClientResponseError):
            async with session.get(f"{url}/refuse") as response:
                response.raise_for_status()

    async def by_the_request(session, url):
        with pytest.raises(aiohttp.ClientResponseError):
            async with session.get(f"{url}/refuse", raise_for_status=True):
                pass

    session = "aiohttp.client.ClientSession session"
    assert run(within) == [f"{session}, ok error(ClientResponseError) goes on", f"{POOL} (100), ok ok ok"]
    assert run(by_the_request)[2:] == [f"{session}, error(ClientResponseError)", f"{POOL} (100), ok ok ok"]


def test_a_timeout_gives_the_connection_back(run):
    """The acquire of the session's handle fails by it."""

    async def use(session, url):
        with pytest.raises(TimeoutError):
            async with session.get(f"{url}/long", timeout=aiohttp.ClientTimeout(total=0.1)):
                pass

    assert run(use) == [
        "aiohttp.client.ClientSession session, error(TimeoutError)",
        f"{POOL} (100), ok ok ok",
    ]


def test_a_server_that_is_not_there_makes_the_acquire_fail(run):
    """With aiohttp's own error; nothing was held."""

    async def use(session, url):
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"http://127.0.0.1:{servers.free_port()}/")

    assert run(use) == [f"{POOL} (100), error(ClientConnectorError)"]


def test_requests_that_are_tasks_of_their_own_are_told(run, recorder):
    """gather() makes a task of each, in which there is no line of the program."""

    async def use(session, url):
        await asyncio.gather(session.get(f"{url}/"), session.get(f"{url}/"))

    assert run(use, limit=1) == [f"{POOL} (1), ok ok ok"] * 2


def test_a_connector_without_a_limit_has_no_capacity(run):
    """Zero is aiohttp's word for that."""
    assert run(await_and_read, limit=0) == [f"{POOL}, ok ok ok"]
