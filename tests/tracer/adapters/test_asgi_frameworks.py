"""Requests that a server began, named by the framework that answers them."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router
from tests.tracer.support.asgi_servers import SERVERS, by_uvicorn, lines


@pytest.fixture(autouse=True)
def requests_alone(recorder):
    """The client that a test makes by hand is not listed."""
    recorder.leave_out("AsyncClient")


@pytest.fixture(params=SERVERS.values(), ids=SERVERS)
def serve(request):
    """Serves an application, once by each server, and tells the answers."""
    return request.param


async def through(app, path="/orders/17", **named):
    """Calls an application as httpx does it, without a server."""
    transport = httpx.ASGITransport(app, **named)
    client = httpx.AsyncClient(transport=transport, base_url="http://shop")
    response = await client.get(path)
    await client.aclose()
    return response.status_code


async def refuse(request):
    return PlainTextResponse("no such order", 404)


def copying(app):
    """A middleware of a function, which hides what it wraps and passes on a copy of its scope."""

    async def middleware(scope, receive, send):
        if scope["type"] == "lifespan":
            return await app(scope, receive, send)
        async with asyncio.Semaphore():
            return await app(dict(scope), receive, send)

    return middleware


def starlette():
    return Starlette(routes=[Route("/orders/{id}", refuse)])


def test_a_framework_within_names_the_request_that_the_server_began(recorder, serve):
    """It is one lifecycle, and what a middleware around the framework holds is the request's as well."""
    asyncio.run(serve(copying(starlette()), "GET /orders/17"))
    tree = [line.partition(": ")[0].count("  ") * "  " + line.partition(": ")[2] for line in recorder.tree()]
    assert tree == ["Starlette lifespan", "Request GET /orders/{id}", "  Semaphore"]
    site = next(site for site in recorder.sites() if site.enter == "request")
    assert (site.file, site.function) == (__file__, "refuse")


def test_a_request_that_was_shipped_before_its_route_was_known_is_shipped_again(recorder):
    """The newer row has its name."""
    inner, seen = starlette(), []

    async def app(scope, receive, send):
        if scope["type"] == "http":
            seen.append(lines(recorder, "asgi.Request"))
        await inner(scope, receive, send)

    async def held(request):
        seen.append([line.partition(": ")[2] for line in recorder.lines() if "Request" in line])
        return PlainTextResponse()

    inner.router.routes[:] = [Route("/orders/{id}", held)]
    asyncio.run(by_uvicorn(app, "GET /orders/17", lifespan="off"))
    assert seen == [["asgi.Request GET, ok ?"], ["starlette.requests.Request GET /orders/{id}, ok ?"]]


def test_without_a_server_that_is_known_the_framework_tells_the_request(recorder):
    """A test client calls the application, say."""
    assert asyncio.run(through(starlette())) == 404
    assert recorder.lines() == ["through: starlette.requests.Request GET /orders/{id}, ok ok ok"]


def test_a_request_that_calls_another_application_has_that_ones_request_below(recorder):
    """Two requests, each by its name."""

    async def ask(request):
        return PlainTextResponse(status_code=await through(starlette()))

    asyncio.run(through(Starlette(routes=[Route("/{anything:path}", ask)])))
    assert [line.partition(": ")[2] for line in recorder.tree()] == [
        "Request GET /{anything}",
        "Request GET /orders/{id}",
    ]


@pytest.mark.parametrize("path", ["/orders/17", "/users/me"])
def test_a_route_that_is_left_in_the_scope_names_a_request(recorder, path):
    """Starlette's router alone is no application that an adapter knows."""
    router = Router([Route("/orders/{id}", refuse)])
    asyncio.run(by_uvicorn(router, f"GET {path}"))
    name = "GET /orders/{id}" if path == "/orders/17" else "404 Not Found"
    assert lines(recorder, "asgi.Request") == [f"asgi.Request {name}, ok ok ok"]
