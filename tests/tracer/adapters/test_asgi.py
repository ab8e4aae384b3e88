"""ASGI applications of no framework, called by real servers."""

import asyncio
import traceback
import types

import hypercorn
import hypercorn.app_wrappers
import pytest
import uvicorn.lifespan.on
from tests.support.waiting import until
from tests.tracer.support.asgi_servers import SERVERS, by_uvicorn, lines, uvicorn_serving
from uvicorn.protocols.http import h11_impl

from tenure import adapters
from tenure._core import faults
from tenure._identify import tracer
from tenure.adapters import uvicorn as adapter
from tenure.adapters._kit import asgi, asgi_requests
from tenure.wire import Site

LIFESPAN = "asgi.Application lifespan"


class Broken(Exception):
    pass


async def shop(scope, receive, send):
    if scope["type"] == "lifespan":
        await live(receive, send)
    elif scope["type"] == "websocket":
        await echo(receive, send)
    elif scope["path"] == "/fail":
        raise Broken("a bug")
    else:
        async with asyncio.Lock():
            await answer(send)


async def live(receive, send):
    await receive()
    async with asyncio.Semaphore():
        await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def echo(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    message = await receive()
    await send({"type": "websocket.send", "text": message["text"]})
    await receive()


async def answer(send, status=200):
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"done"})


async def without_lifespan(scope, receive, send):
    assert scope["type"] == "http"
    await answer(send)


class Shop:
    async def __call__(self, scope, receive, send):
        await shop(scope, receive, send)


def starting(error=None, message=None, *, at_end=False):
    """An application whose startup, or whose shutdown, fails by an exception or by a message."""

    async def app(scope, receive, send):
        await receive()
        if at_end:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        if message is not None:
            phase = "shutdown" if at_end else "startup"
            await send({"type": f"lifespan.{phase}.failed", "message": message})
        if error is not None:
            raise error

    return app


@pytest.fixture(params=SERVERS.values(), ids=SERVERS)
def serve(request):
    """Serves an application, once by each server, and tells the answers."""
    return request.param


@pytest.mark.parametrize("app", [shop, Shop()], ids=["function", "object"])
def test_requests_websockets_and_the_lifespan_are_told(recorder, serve, app):
    """By their methods alone: a path is the client's, and so is a method outside HTTP's own."""
    assert asyncio.run(serve(app, "GET /orders/17", "HEAD /x", "PROPFIND /tea", "WS /echo")) == [
        "200",
        "200",
        "200",
        "hello",
    ]
    assert lines(recorder, "asgi.") == [
        f"{LIFESPAN}, ok ok ok",
        "asgi.Request GET, ok ok ok",
        "asgi.Request HEAD, ok ok ok",
        "asgi.Request *, ok ok ok",
        "asgi.Request WEBSOCKET, ok ok ok",
    ]


def test_a_request_is_placed_at_the_application_and_holds_what_it_holds(recorder, serve):
    """It is a root: neither the lifespan nor the server is above it, and nothing of the server's own is told."""
    asyncio.run(serve(shop, "GET /"))
    line = shop.__code__.co_firstlineno
    assert [site for site in recorder.sites() if site.enter in {"startup", "request"}] == [
        Site(__file__, line, "shop", "", "startup", "shutdown"),
        Site(__file__, line, "shop", "", "request", "response"),
    ]
    tree = [line.partition(": ")[0].count("  ") * "  " + line.partition(": ")[2] for line in recorder.tree()]
    assert tree == ["Application lifespan", "  Semaphore", "Request GET", "  Lock"]


def test_an_exception_that_nobody_caught_is_a_failure_and_the_server_sees_it_as_ever(recorder, serve, caplog):
    """Its traceback has no frame of Tenure's."""
    assert asyncio.run(serve(shop, "GET /fail")) == ["500"]
    assert lines(recorder, "asgi.Request") == ["asgi.Request GET, ok error(Broken) goes on"]
    logged = [record.exc_info[2] for record in caplog.records if record.exc_info and record.exc_info[0] is Broken]
    frames = {frame.filename for traced in logged for frame in traceback.extract_tb(traced)}
    assert __file__ in frames
    assert not [name for name in frames if "/tenure/" in name]


@pytest.mark.parametrize(
    ("app", "line"),
    [
        (starting(Broken("no database")), "error(Broken)"),
        (starting(message="no database"), "error(LifespanFailed)"),
        (starting(), "error(LifespanFailed)"),
        (starting(Broken("it does not close"), at_end=True), "ok ok error(Broken)"),
        (starting(message="it does not close", at_end=True), "ok ok error(LifespanFailed)"),
    ],
)
def test_a_lifespan_that_fails_is_told_of_the_phase_that_it_hit(recorder, serve, app, line):
    """By an exception, by a message, or by returning too early."""
    asyncio.run(serve(app))
    assert lines(recorder, "asgi.Application") == [f"{LIFESPAN}, {line}"]


def test_an_application_without_a_lifespan_has_none(recorder, serve):
    """Servers take its refusal for an answer."""
    assert asyncio.run(serve(without_lifespan, "GET /")) == ["200"]
    assert lines(recorder, "asgi.") == ["asgi.Request GET, ok ok ok"]


def test_a_request_is_seen_while_it_runs_and_a_websocket_as_long_as_it_is_connected(recorder):
    """What hangs is to be found."""
    seen = []

    async def app(scope, receive, send):
        if scope["type"] == "http":
            seen.extend(lines(recorder, "asgi.Request"))
        await shop(scope, receive, send)

    asyncio.run(by_uvicorn(app, "GET /"))
    assert seen == ["asgi.Request GET, ok ?"]


def test_a_client_that_hangs_up_ends_the_request_as_the_application_does(recorder):
    """ASGI tells the application, which may go on; nothing is cancelled by it."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            return await live(receive, send)
        while (await receive())["type"] != "http.disconnect":
            pass
        return None

    async def hang_up(port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
        await until(lambda: lines(recorder, "asgi.Request") == ["asgi.Request GET, ok ?"])
        writer.close()
        await until(lambda: lines(recorder, "asgi.Request") == ["asgi.Request GET, ok ok ok"])

    async def main():
        async with uvicorn_serving(uvicorn.Config(app, port=0, log_config=None, log_level="critical")) as port:
            await hang_up(port)

    asyncio.run(main())


def test_the_server_and_the_application_see_each_other_as_ever(recorder):
    """The application is the server's own attribute, and its scope has nothing of Tenure's."""
    seen = {}

    async def app(scope, receive, send):
        seen[scope["type"]] = set(scope), loaded.loaded_app
        await shop(scope, receive, send)

    loaded = uvicorn.Config(app, log_config=None, log_level="critical", proxy_headers=False, ws="wsproto", port=0)

    async def main():
        async with uvicorn_serving(loaded):
            pass

    asyncio.run(main())
    assert seen == {"lifespan": ({"type", "asgi", "state"}, app)}
    assert loaded.loaded_app is app


@pytest.mark.parametrize("scope", [None, {}, {"type": "http", "headers": 3}, {"type": "lifespan"}, {"type": "later"}])
def test_whatever_an_application_is_called_with_it_gets(recorder, monkeypatch, scope):
    """A server of an unexpected shape costs the record and nothing else."""
    monkeypatch.setattr(faults, "_said", set())
    given = []

    async def app(*arguments, **named):
        given.append((arguments, named))
        return "what it returned"

    wrapper = hypercorn.app_wrappers.ASGIWrapper(app)

    async def main():
        return await wrapper(scope, 1, 2, 3, 4)

    assert asyncio.run(main()) is None
    assert given == [((scope, 1, 2), {})]


def test_protocols_of_another_shape_cost_their_adapter_and_are_named(recorder, caplog, monkeypatch):
    """It is said once in the log, with the version, and the server serves."""
    module = types.ModuleType("uvicorn.protocols.http.h11_impl")
    monkeypatch.setattr(adapter, "_protocols", lambda: iter([module.__class__]))
    monkeypatch.setattr(faults, "_said", set())

    class Protocol(asyncio.Protocol):
        def __init__(self, *_, **__):
            pass

    config = uvicorn.Config(shop, http=Protocol, ws="none", log_config=None, lifespan="off")
    config.load()
    assert config.loaded
    assert [record.getMessage().partition(" failed")[0] for record in caplog.records] == [
        f"tenure: the adapter uvicorn for uvicorn.protocols {uvicorn.__version__}"
    ]


def test_a_library_of_another_shape_costs_its_adapter_and_is_named(recorder, caplog):
    """Nothing of it is patched."""
    for name, module in {"uvicorn": "uvicorn.config", "hypercorn": "hypercorn.app_wrappers"}.items():
        adapters._installer(name)(types.ModuleType(module))
    assert [record.getMessage().partition(" failed")[0] for record in caplog.records] == [
        f"tenure: the adapter uvicorn for uvicorn.config {uvicorn.__version__}",
        f"tenure: the adapter hypercorn for hypercorn.app_wrappers {getattr(hypercorn, '__version__', '')}",
    ]


def test_an_application_that_cannot_be_loaded_fails_as_ever(recorder):
    """The traceback is uvicorn's and the program's."""
    config = uvicorn.Config("no.such:application", log_config=None)
    with pytest.raises(ModuleNotFoundError) as caught:
        config.load()
    assert "/tenure/" not in "".join(frame.filename for frame in traceback.extract_tb(caught.tb))


def test_what_was_running_is_forgotten(recorder, serve):
    """No scope is kept."""
    asyncio.run(serve(shop, "GET /", "GET /fail"))
    here = tracer.current
    assert (here.of(asgi._Lifespans).by_part, here.of(asgi_requests._Requests).running) == ({}, {})


def test_nothing_is_left_when_recording_ends(recorder):
    """The classes are as they were."""
    asyncio.run(by_uvicorn(shop))
    places = [
        (uvicorn.lifespan.on.LifespanOn, "main"),
        (uvicorn.Config, "load"),
        (h11_impl.RequestResponseCycle, "run_asgi"),
        (hypercorn.app_wrappers.ASGIWrapper, "__call__"),
    ]
    patched = [getattr(owner, name) for owner, name in places]
    recorder.stop()
    assert [getattr(owner, name) for owner, name in places] == [method.__wrapped__ for method in patched]
