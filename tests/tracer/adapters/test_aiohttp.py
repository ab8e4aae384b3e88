"""aiohttp: requests and websockets of the server, and sessions and requests of the client."""

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tenure.wire import Site

LOCK = web.AppKey("LOCK", asyncio.Lock)


async def hold_and_answer(request):
    async with request.app[LOCK], asyncio.TaskGroup() as group:
        group.create_task(hold_nothing(), name="child")
    return web.Response(text="done")


async def hold_nothing():
    async with asyncio.timeout(1):
        await asyncio.sleep(0)


async def refuse(request):
    raise web.HTTPNotFound(text="no such order")


async def be_overloaded(request):
    raise web.HTTPServiceUnavailable(text="later")


async def fail(request):
    raise RuntimeError("a bug")


async def take_long(request):
    await asyncio.sleep(30)


@web.middleware
async def guarded(request, handler):
    async with asyncio.timeout(5):
        return await handler(request)


@asynccontextmanager
async def serving(*, inner=None, middlewares=()):
    app = web.Application(middlewares=middlewares)
    app[LOCK] = asyncio.Lock()
    app.add_routes(
        [
            web.get(r"/orders/{id:\d+}", hold_and_answer),
            web.get("/refuse", refuse),
            web.get("/overloaded", be_overloaded),
            web.get("/fail", fail),
            web.get("/long", take_long),
            web.route("*", "/any", refuse),
        ]
    )
    if inner is not None:
        app.add_subapp("/inner", inner)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield "http://{}:{}".format(*runner.addresses[0])
    finally:
        await runner.cleanup()


async def get(url, *paths, method="GET"):
    session = aiohttp.ClientSession()
    try:
        for path in paths:
            response = await session.request(method, url + path)
            await response.read()
    finally:
        await session.close()


async def visit(*paths, method="GET", **how):
    async with serving(**how) as url:
        await get(url, *paths, method=method)


def requests(lines):
    return [line.partition(": ")[2] for line in lines if "aiohttp.web.Request" in line]


def test_all_that_a_request_holds_is_one_trace(recorder):
    """The request is a root: what its handler and the handler's tasks hold hangs under it."""

    async def main():
        manager = serving()
        url = await manager.gen.__anext__()  # not entered, so that nothing is held around the server
        await get(url, "/orders/17")
        await manager.gen.aclose()

    recorder.run(main())
    assert [line for line in recorder.tree() if not line.lstrip().startswith("main: ")] == [
        "GET /orders/{id}: Request GET /orders/{id}",
        "  GET /orders/{id}: Lock",
        "    GET /orders/{id}: TaskGroup",
        "      child: timeout 1 s",
    ]


def test_a_request_is_named_by_its_route_and_placed_at_its_handler(recorder):
    """Routes are few and paths are many; the place to look at is the handler."""
    lines = recorder.run(visit("/orders/1", "/orders/2"))
    assert requests(lines) == ["aiohttp.web.Request GET /orders/{id}, ok ok ok"] * 2
    line = hold_and_answer.__code__.co_firstlineno
    sites = {site for site in recorder.sites() if site.enter == "request"}
    assert sites == {Site(__file__, line, "hold_and_answer", "", "request", "response")}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/refuse", "GET /refuse, ok ok ok"),
        ("/overloaded", "GET /overloaded, ok error(HTTPServiceUnavailable) goes on"),
        ("/fail", "GET /fail, ok error(RuntimeError) goes on"),
        ("/nowhere", "404 Not Found, ok ok ok"),
    ],
)
def test_only_a_servers_fault_makes_a_request_fail(recorder, caplog, path, line):
    """A refusal below 500 is an ordinary answer; an exception that nobody caught is not."""
    assert requests(recorder.run(visit(path))) == [f"aiohttp.web.Request {line}"]


async def stream(request):
    response = web.StreamResponse()
    await response.prepare(request)
    async with asyncio.timeout(3):
        await response.write(b"part")
    await response.write_eof()
    return response


async def only_options(request):
    return web.Response()


@pytest.mark.parametrize(
    ("method", "path", "lines"),
    [
        ("HEAD", "/refuse", ["HEAD /refuse, ok ok ok"]),
        ("OPTIONS", "/inner/options", ["OPTIONS /inner/options, ok ok ok"]),
        ("OPTIONS", "/refuse", ["405 Method Not Allowed, ok ok ok"]),
        ("GET", "/inner/stream", ["GET /inner/stream, ok ok ok"]),
        ("GET", "/inner/nowhere/17", ["404 Not Found, ok ok ok"]),
    ],
)
def test_every_method_and_a_streamed_response_are_one_request(recorder, method, path, lines):
    """HEAD is answered by the handler of GET; what no route takes has one name, whatever its path."""
    inner = web.Application()
    inner.add_routes([web.get("/stream", stream), web.options("/options", only_options)])
    assert requests(recorder.run(visit(path, method=method, inner=inner))) == [
        f"aiohttp.web.Request {line}" for line in lines
    ]


def test_a_websocket_is_a_request_as_long_as_it_is_connected(recorder):
    """And ends as its handler does."""

    async def main():
        inner = web.Application()
        inner.add_routes([web.get("/echo", echo)])
        async with serving(inner=inner) as url, aiohttp.ClientSession() as session:
            websocket = await session.ws_connect(f"{url}/inner/echo")
            seen = requests(recorder.lines())
            await websocket.send_str("hello")
            await websocket.receive_str()
            await websocket.close()
            return seen

    assert asyncio.run(main()) == ["aiohttp.web.Request GET /inner/echo, ok ?"]
    assert requests(recorder.lines()) == ["aiohttp.web.Request GET /inner/echo, ok ok ok"]


def test_what_aiohttp_uses_within_itself_is_its_own_affair(recorder):
    """Its timeouts above all; not so what it enters of the program's, like the cleanup context."""
    asyncio.run(visit("/refuse", "/orders/1"))
    assert [site for site in recorder.sites() if "/aiohttp/" in site.file] == []


def test_names_that_a_client_makes_up_are_not_taken_over(recorder):
    """A method outside HTTP's own and a path without a route are the client's words; the tables have the server's."""
    lines = recorder.run(visit("/any", "/refuse", method="PROPFIND"))
    assert requests(lines) == [
        "aiohttp.web.Request * /any, ok ok ok",
        "aiohttp.web.Request 405 Method Not Allowed, ok ok ok",
    ]


def test_a_request_within_a_sub_application_is_one_lifecycle(recorder):
    """Two routers look at it; it is one request, and its name has the whole pattern."""
    inner = web.Application()
    inner.add_routes([web.get("/{name}", refuse)])
    assert requests(recorder.run(visit("/inner/tea", inner=inner))) == [
        "aiohttp.web.Request GET /inner/{name}, ok ok ok"
    ]


def test_what_a_middleware_holds_belongs_to_the_request(recorder):
    """The request begins before its middlewares."""
    recorder.run(visit("/refuse", middlewares=[guarded]))
    tree = recorder.tree()
    place = next(number for number, line in enumerate(tree) if "Request GET /refuse" in line)
    indent = len(tree[place]) - len(tree[place].lstrip())
    assert tree[place + 1] == " " * (indent + 2) + tree[place].strip().partition(":")[0] + ": timeout 5 s"


def test_a_client_that_hangs_up_cancels_its_request(recorder):
    """With handler_cancellation the handler is told, and the request ends as cancelled."""

    async def main():
        async with serving() as url:
            task = asyncio.create_task(get(url, "/long"))
            seen = await recorder.until(["aiohttp.web.Request GET /long, ok ?"], requests)
            task.cancel()
            await asyncio.wait([task])
            return seen, await recorder.until([cancelled], requests)

    cancelled = "aiohttp.web.Request GET /long, ok cancelled(CancelledError) goes on"
    assert asyncio.run(main()) == (["aiohttp.web.Request GET /long, ok ?"], [cancelled])


def test_resolving_a_route_outside_a_request_begins_nothing(recorder):
    """Programs ask the router themselves."""

    async def main():
        app = web.Application()
        app.add_routes([web.get("/refuse", refuse)])
        match = await app.router.resolve(make_mocked_request("GET", "/refuse"))
        return match.handler

    assert asyncio.run(main()) is refuse
    assert recorder.lines() == []


async def fetch(session, url):
    async with session.get(f"{url}/orders/1") as response:
        return await response.text()


async def fetch_with_session(url):
    async with aiohttp.ClientSession() as session:
        return await fetch(session, url)


def test_a_clients_request_holds_its_session(recorder, written):
    """The handle that session.get() returns stands for the session, as a pool's handle for the pool."""

    async def main():
        async with serving() as url:
            session = aiohttp.ClientSession()
            text = await written(fetch)(session, url)
            await session.close()
            return text

    assert asyncio.run(main()) == "done"
    lines = [line for line in recorder.lines() if "ClientSession" in line]
    assert lines == ["main: aiohttp.client.ClientSession session, ok ok ok"] * 2  # it is open too, from its constructor
    site = next(site for site in recorder.sites() if site.function == "fetch")
    assert (site.enter, site.exit) == ("get", "__aexit__")


async def echo(request):
    websocket = web.WebSocketResponse()
    await websocket.prepare(request)
    await websocket.send_str(await websocket.receive_str())
    await websocket.close()
    return websocket


async def talk(session, url):
    async with session.ws_connect(f"{url}/inner/echo") as websocket:
        await websocket.send_str("hello")
        return await websocket.receive_str()


def test_a_clients_websocket_holds_its_session(recorder, written):
    """ws_connect() is the call by which the session is taken, until the websocket is closed."""

    async def main():
        inner = web.Application()
        inner.add_routes([web.get("/echo", echo)])
        async with serving(inner=inner) as url:
            session = aiohttp.ClientSession()
            text = await written(talk)(session, url)
            await session.close()
            return text

    assert asyncio.run(main()) == "hello"
    lines = [line for line in recorder.lines() if "ClientSession" in line]
    assert lines == ["main: aiohttp.client.ClientSession session, ok ok ok"] * 2  # it is open too, from its constructor
    assert next(site for site in recorder.sites() if site.function == "talk").enter == "ws_connect"


def test_a_session_that_is_entered_is_the_one_that_its_requests_hold(recorder):
    """One object, one resource, whichever way it is used."""

    async def main():
        async with serving() as url:
            return await fetch_with_session(url)

    asyncio.run(main())
    assert len({resource for resource in recorder.resources() if "ClientSession" in resource.kind}) == 1
