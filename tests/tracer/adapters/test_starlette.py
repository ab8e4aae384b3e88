"""Starlette and FastAPI: requests, dependencies, lifespans."""

import asyncio
import contextlib
from typing import Annotated

import fastapi
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from tests.tracer.support.asgi_servers import by_uvicorn

from tenure._core import faults
from tenure.wire import Site

REQUEST = "starlette.requests.Request"


async def hold_and_answer(request):
    async with asyncio.Lock(), asyncio.timeout(1):
        await asyncio.sleep(0)
        return PlainTextResponse("done")


async def refuse(request):
    raise HTTPException(404, "no such order")


async def fail(request):
    raise RuntimeError("a bug")


async def stream(request):
    async def parts():
        async with asyncio.timeout(2):
            yield b"done"

    return StreamingResponse(parts())


async def echo(websocket):
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


class Guarded:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async with asyncio.timeout(5):
            await self.app(scope, receive, send)


@contextlib.asynccontextmanager
async def lifespan(app):
    yield


def application(**named):
    inner = Starlette(routes=[Route("/{name}", refuse)])
    return Starlette(
        routes=[
            Route("/orders/{id:int}", hold_and_answer),
            Route("/refuse", refuse, methods=["POST"]),
            Route("/fail", fail),
            Route("/stream", stream),
            Mount("/within", routes=[Route("/{name}/tea", refuse)]),
            Mount("/inner", inner),
            WebSocketRoute("/echo/{id}", echo),
        ],
        **named,
    )


def fast_application():
    app, router, nested = fastapi.FastAPI(), fastapi.APIRouter(prefix="/shop"), fastapi.APIRouter()

    @app.get("/items/{item}")
    async def item(item: int):
        return item

    async def session():
        yield 1

    @nested.get("/orders/{order}")
    async def order(order: int, found: Annotated[int, fastapi.Depends(session)]):
        return order

    router.include_router(nested, prefix="/v1")
    app.include_router(router)
    return app


def requests(recorder):
    return [line.partition(": ")[2] for line in recorder.lines() if REQUEST in line]


def test_a_request_is_named_by_its_route_and_placed_at_its_endpoint(recorder):
    """Routes are few and paths are many; the place to look at is the endpoint."""
    answers = asyncio.run(by_uvicorn(application(), "GET /orders/1", "GET /orders/2"))
    assert answers == ["200"] * 2
    assert requests(recorder) == [f"{REQUEST} GET /orders/{{id}}, ok ok ok"] * 2
    line = hold_and_answer.__code__.co_firstlineno
    sites = {site for site in recorder.sites() if site.enter == "request"}
    assert sites == {Site(__file__, line, "hold_and_answer", "", "request", "response")}


def test_all_that_a_request_holds_is_one_trace(recorder):
    """What middlewares and endpoints hold hangs under the request, which is a root."""
    asyncio.run(by_uvicorn(application(middleware=[Middleware(Guarded)]), "GET /orders/17"))
    tree = recorder.tree()
    first = next(place for place, line in enumerate(tree) if "Request" in line)
    assert tree[first : first + 4] == [
        "GET /orders/{id}: Request GET /orders/{id}",
        "  GET /orders/{id}: timeout 5 s",
        "    GET /orders/{id}: Lock",
        "      GET /orders/{id}: timeout 1 s",
    ]


@pytest.mark.parametrize(
    ("request_line", "line", "status"),
    [
        ("POST /refuse", "POST /refuse, ok ok ok", "404"),
        ("GET /refuse", "405 Method Not Allowed, ok ok ok", "405"),
        ("GET /nowhere/17", "404 Not Found, ok ok ok", "404"),
        ("GET /fail", "GET /fail, ok error(RuntimeError) goes on", "500"),
        ("GET /stream", "GET /stream, ok ok ok", "200"),
        ("GET /within/17/tea", "GET /within/{name}/tea, ok ok ok", "404"),
        ("GET /inner/17", "GET /inner/{name}, ok ok ok", "404"),
        ("WS /echo/17", "WEBSOCKET /echo/{id}, ok ok ok", "hello"),
    ],
)
def test_a_request_is_one_lifecycle_wherever_its_route_stands(recorder, request_line, line, status):
    """A refusal is an ordinary answer, an exception that nobody caught is a failure, a mount adds its prefix."""
    assert asyncio.run(by_uvicorn(application(), request_line)) == [status]
    assert requests(recorder) == [f"{REQUEST} {line}"]


@pytest.mark.parametrize(
    ("path", "name"),
    [("/items/1", "GET /items/{item}"), ("/shop/v1/orders/1", "GET /shop/v1/orders/{order}")],
)
def test_fastapis_routers_give_the_whole_pattern(recorder, path, name):
    """Whether a router's routes were copied when it was included, or are looked up in it."""
    assert asyncio.run(by_uvicorn(fast_application(), f"GET {path}")) == ["200"]
    assert requests(recorder) == [f"{REQUEST} {name}, ok ok ok"]
    site = next(site for site in recorder.sites() if site.enter == "request")
    assert site.file == __file__


def test_what_a_dependency_holds_is_the_programs_and_hangs_under_the_request(recorder):
    """FastAPI enters it through a manager of its own, of which nothing is told."""
    asyncio.run(by_uvicorn(fast_application(), "GET /shop/v1/orders/1"))
    tree = recorder.tree()
    first = next(place for place, line in enumerate(tree) if "Request" in line)
    assert tree[first : first + 2] == [
        "GET /shop/v1/orders/{order}: Request GET /shop/v1/orders/{order}",
        "  GET /shop/v1/orders/{order}: session",
    ]


def test_a_lifespan_is_held_while_the_application_runs(recorder):
    """It is placed at the program's own generator, which hangs under it; no request does."""
    asyncio.run(by_uvicorn(application(lifespan=lifespan), "GET /orders/1"))
    held = [line.partition(": ")[2] for line in recorder.lines() if "lifespan" in line]
    assert held == ["starlette.applications.Starlette lifespan, ok ok ok", f"{__name__}.lifespan, ok ok ok"]
    place = next(site for site in recorder.sites() if site.enter == "startup")
    assert (place.file, place.function) == (__file__, "lifespan")
    assert [line.partition(": ")[2] for line in recorder.tree() if "ifespan" in line] == [
        "Starlette lifespan",
        "lifespan",
    ]
    assert next(line for line in recorder.tree() if "Request" in line).startswith("GET /orders")


def test_a_middleware_of_a_function_adds_nothing_of_its_own(recorder):
    """Starlette runs what is below it in a task group; a failure is the request's alone."""

    async def passing(request, call_next):
        return await call_next(request)

    app = application(middleware=[Middleware(BaseHTTPMiddleware, dispatch=passing)])
    assert asyncio.run(by_uvicorn(app, "GET /orders/17", "GET /fail")) == ["200", "500"]
    held = [line.partition(": ")[2] for line in recorder.lines() if "lifespan" not in line]
    assert held == [
        f"{REQUEST} GET /orders/{{id}}, ok ok ok",
        "asyncio.locks.Lock (1), ok ok ok",
        "asyncio.timeout 1 s, ok ok ok",
        f"{REQUEST} GET /fail, ok error(RuntimeError) goes on",
    ]
    assert {lifecycle.trace for lifecycle in recorder.lifecycles() if "Lock" in lifecycle.resource} == {
        lifecycle.id for lifecycle in recorder.lifecycles() if "/orders" in lifecycle.resource
    }


def test_a_scope_that_is_no_dictionary_costs_the_record_and_nothing_else(recorder, caplog, monkeypatch):
    """Whatever calls the application, it sees what it would have seen."""
    monkeypatch.setattr(faults, "_said", set())
    app = application()

    async def send(message):
        pass

    with pytest.raises(TypeError):
        asyncio.run(app(None, None, send))
    assert [record.getMessage().partition(" failed")[0] for record in caplog.records] == [
        "tenure: noting the begin of a request"
    ]
