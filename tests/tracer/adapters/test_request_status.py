"""A request has the HTTP status of its response: of any ASGI application, and of aiohttp.web."""

import asyncio
import http

import aiohttp
import pytest
from aiohttp import web
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from tests.support.waiting import until
from tests.tracer.support.asgi_servers import SERVERS, ask, uvicorn_serving
from uvicorn import Config

from tenure._core import faults
from tenure.adapters._kit import asgi


def statuses(recorder):
    """By the names of the requests, in the order of their begin."""
    return [
        (lifecycle.resource.partition(" ")[2], lifecycle.status)
        for lifecycle in recorder.lifecycles()
        if lifecycle.resource.partition(" ")[0].endswith("Request")
    ]


@pytest.fixture(params=SERVERS.values(), ids=SERVERS)
def serve(request):
    """Serves an application, once by each server."""
    return request.param


async def bare(scope, receive, send):
    """Answers with the number in its path; a word fails before it answers."""
    if scope["type"] != "http":
        raise RuntimeError("no lifespan")
    status = int(scope["path"][1:])
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


def test_an_asgi_application_sends_the_status(recorder, serve):
    """Without a framework too; what fails before it answers has none: its server answers, out of sight."""
    assert asyncio.run(serve(bare, "GET /200", "HEAD /404", "GET /503", "GET /x")) == ["200", "404", "503", "500"]
    assert statuses(recorder) == [("GET", 200), ("HEAD", 404), ("GET", 503), ("GET", None)]
    assert not faults.dropped


@pytest.mark.parametrize(
    ("status", "recorded"), [(http.HTTPStatus.NOT_FOUND, 404), ("404", None), (7, None), (None, None)]
)
def test_only_a_number_that_is_a_status_is_recorded(recorder, status, recorded):
    """``http.HTTPStatus`` is one; everything else goes to the server as ever."""
    sent = []

    async def answering(scope, receive, send):
        await send({"type": "http.response.start", "status": status})
        await send({"type": "http.response.body"})

    async def send(message):
        sent.append(message)

    application = asgi.handling(lambda app, *call: app(*call), lambda app: app)
    asyncio.run(application(answering, {"type": "http", "method": "GET"}, None, send))
    assert statuses(recorder) == [("GET", recorded)]
    assert sent[0] == {"type": "http.response.start", "status": status}
    assert not faults.dropped


def test_a_framework_answers_for_its_routes(recorder, serve):
    """The answer of Starlette's own middleware to an exception is one too."""

    async def order(request):
        return PlainTextResponse("done", 201)

    async def fail(request):
        raise RuntimeError("a bug")

    app = Starlette(routes=[Route("/orders/{id:int}", order), Route("/fail", fail)])
    asyncio.run(serve(app, "GET /orders/17", "POST /orders/17", "GET /nowhere", "GET /fail"))
    assert statuses(recorder) == [
        ("GET /orders/{id}", 201),
        ("405 Method Not Allowed", 405),
        ("404 Not Found", 404),
        ("GET /fail", 500),
    ]


def test_the_status_is_known_while_the_response_is_sent(recorder):
    """A batch that is shipped before the end has it, and so have all later ones."""

    async def main():
        started, go_on = asyncio.Event(), asyncio.Event()

        async def streaming(scope, receive, send):
            await send({"type": "http.response.start", "status": 206, "headers": [(b"content-length", b"4")]})
            started.set()
            await go_on.wait()
            await send({"type": "http.response.body", "body": b"done"})

        config = Config(streaming, port=0, lifespan="off", log_config=None)
        async with uvicorn_serving(config) as port:
            asking = asyncio.create_task(ask(port, "GET", "/"))
            await started.wait()
            seen.append(request())
            go_on.set()
            await asking
            await until(lambda: request().release is not None)
            seen.append(request())

    def request():
        return next(entry for entry in recorder.lifecycles() if entry.resource.startswith("asgi.Request"))

    seen = []
    asyncio.run(main())
    assert [(lifecycle.release is None, lifecycle.status) for lifecycle in seen] == [(True, 206), (False, 206)]


def test_a_handler_of_aiohttp_answers_returns_or_raises(recorder):
    """What a handler raises is answered by aiohttp. Once a stream has begun it cannot, and no status is known."""

    async def created(_):
        return web.Response(status=201)

    async def refused(_):
        raise web.HTTPForbidden

    async def overloaded(_):
        raise web.HTTPServiceUnavailable

    async def broken(_):
        raise RuntimeError("a bug")

    async def slow(_):
        raise TimeoutError

    async def cut(request):
        response = web.StreamResponse(status=206)
        await response.prepare(request)
        await response.write(b"x" * 100)
        raise RuntimeError("a bug")

    handlers = {"created": created, "refused": refused, "overloaded": overloaded, "broken": broken, "slow": slow}

    async def main():
        app = web.Application()
        app.add_routes([web.get(f"/{name}", handler) for name, handler in {**handlers, "cut": cut}.items()])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = "http://{}:{}".format(*runner.addresses[0])
        answers = []
        async with aiohttp.ClientSession() as session:
            for name in (*handlers, "nowhere", "cut"):
                async with session.get(f"{url}/{name}") as response:
                    answers.append(response.status)
        await runner.cleanup()
        return answers

    answers = asyncio.run(main())
    assert answers == [201, 403, 503, 500, 504, 404, 206]
    names = [f"GET /{name}" for name in handlers]
    expected = [*zip(names, answers, strict=False), ("404 Not Found", 404), ("GET /cut", None)]
    assert [entry for entry in statuses(recorder) if entry[0]] == expected
