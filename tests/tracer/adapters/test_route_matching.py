"""A framework matches its routes as often as without Tenure, and requests are named."""

import asyncio
import contextlib
import itertools

import fastapi
import httpx
import pytest
from starlette.applications import Starlette
from starlette.convertors import CONVERTOR_TYPES, Convertor
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Match, Mount, Route, Router
from tests.tracer.conftest import Recorder

REQUEST = "starlette.requests.Request"


async def answer(request):
    return PlainTextResponse("done")


async def get(app, *paths, method="GET"):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        return [(await client.request(method, path)) for path in paths]


def names(recorder):
    return [line.partition(f"{REQUEST} ")[2].partition(",")[0] for line in recorder.lines() if REQUEST in line]


class Counting(Route):
    """Counts what the framework does with it; its attributes as well."""

    calls: list[str] = []  # noqa: RUF012  # of all of them

    def matches(self, scope):
        self.calls.append("matches")
        return super().matches(scope)

    def __eq__(self, other):
        self.calls.append("eq")
        return self is other

    def __hash__(self):
        self.calls.append("hash")
        return 1

    def __repr__(self):
        self.calls.append("repr")
        return "a route"

    def __getattribute__(self, name):
        if name not in {"calls", "__class__", "__dict__"}:
            Counting.calls.append(name)
        return super().__getattribute__(name)


class Callable_:  # noqa: N801
    """An endpoint that notes which of its attributes are asked for."""

    def __init__(self, asked):
        vars(self)["asked"] = asked

    def __getattr__(self, name):
        self.asked.append(name)
        raise AttributeError(name)

    async def __call__(self, scope, receive, send):
        await PlainTextResponse("done")(scope, receive, send)


class Noting(Convertor[str]):
    regex = "[a-z]+"
    seen: list[str] = []  # noqa: RUF012  # of all of them

    def convert(self, value):
        self.seen.append(value)
        return value

    def to_string(self, value):
        return value


@pytest.fixture
def noting(monkeypatch):
    monkeypatch.setitem(CONVERTOR_TYPES, "noting", Noting())
    Noting.seen.clear()
    return Noting.seen


def program(asked):
    Counting.calls.clear()
    inner = Starlette(routes=[Counting("/{name:noting}", answer)])
    app = Starlette(
        routes=[
            *(Counting(f"/never/{number}", answer) for number in range(5)),
            Counting("/orders/{name:noting}", answer),
            Counting("/called", Callable_(asked)),
            Mount("/shop", app=inner),
        ]
    )
    return asyncio.run(seen(app))


async def seen(app):
    answers = await get(app, "/orders/a", "/called", "/shop/b", "/nowhere", "/orders/c/")
    return [(answer.status_code, answer.text) for answer in answers], list(Counting.calls)


def test_nothing_of_a_route_is_asked_or_called_more_often_than_untraced(noting):
    """Matching, converters, comparisons and every single attribute: in the same order and number."""
    asked: list[str] = []
    plain = program(asked), noting[:], asked[:]
    assert (plain[1], plain[0][1].count("matches") > 10) == (["a", "b", "c"], True)
    noting.clear()
    asked.clear()
    recorder = Recorder()
    recorded = program(asked), noting, asked
    recorder.stop()
    assert recorded == plain
    assert names(recorder)[:4] == ["GET /orders/{name}", "GET /called", "GET /shop/{name}", "404 Not Found"]


def test_a_route_with_a_state_answers_as_ever(recorder):
    """One that lets every second request through is asked once a request."""
    turns = itertools.count()

    class EverySecond(Route):
        def matches(self, scope):
            match, child = super().matches(scope)
            return (match, child) if match != Match.FULL or next(turns) % 2 == 0 else (Match.NONE, {})

    async def other(request):
        return PlainTextResponse("other")

    app = Starlette(routes=[EverySecond("/x", answer), Route("/x", other)])
    answers = asyncio.run(get(app, *["/x"] * 4))
    assert [answer.text for answer in answers] == ["done", "other", "done", "other"]
    assert names(recorder) == ["GET /x"] * 4


def test_a_route_of_the_programs_own_kind_names_its_request_too(recorder):
    """Its ``handle`` is not Starlette's; the framework leaves the route in the scope, a mount its pattern."""

    class Own(BaseRoute):
        path = property(lambda self: pytest.fail("asked for"))

        def __init__(self):
            vars(self)["path_format"] = "/own/{id}"

        def matches(self, scope):
            return Match.FULL, {}

        async def handle(self, scope, receive, send):
            await PlainTextResponse("own")(scope, receive, send)

    app = Starlette(routes=[Mount("/within", routes=[Own()]), Own()])
    assert [answer.text for answer in asyncio.run(get(app, "/within/own/1", "/own/1"))] == ["own", "own"]
    assert names(recorder) == ["GET /within/own/{id}", "GET /own/{id}"]


def test_what_no_route_answers_keeps_the_method_alone(recorder):
    """A middleware's own answer and a redirect are neither a route's nor a 404."""

    def blocking(app):
        async def middleware(scope, receive, send):
            found = app if scope["path"] != "/blocked" else PlainTextResponse("no", 403)
            await found(scope, receive, send)

        return middleware

    app = Starlette(routes=[Route("/x/", answer)])
    app.add_middleware(blocking)
    assert [answer.status_code for answer in asyncio.run(get(app, "/blocked", "/x"))] == [403, 307]
    assert names(recorder) == ["GET", "GET"]


def test_headers_that_a_middleware_replaces_do_not_hide_the_route(recorder):
    """The scope is the same one."""

    def replacing(app):
        async def middleware(scope, receive, send):
            if scope["type"] == "http":
                scope["headers"] = [*scope["headers"], (b"x-more", b"1")]
                scope["asgi"] = {}
            await app(scope, receive, send)

        return middleware

    app = Starlette(routes=[Route("/x", answer)])
    app.add_middleware(replacing)
    asyncio.run(get(app, "/x"))
    assert names(recorder) == ["GET /x"]


def test_routers_that_are_tried_one_after_the_other_do_not_add_up(recorder):
    """What one of them is mounted at is no part of the other's pattern."""
    first, second = (Mount(path, routes=[Route(route, answer)]) for path, route in (("/a", "/none"), ("/a/b", "/{id}")))

    async def cascade(scope, receive, send):
        for mount in (first, second):
            _, child = mount.matches(scope)
            with contextlib.suppress(Exception):
                await mount.handle({**scope, **child}, receive, send)
                break

    app = Starlette(routes=[Mount("", app=cascade)])
    assert [answer.status_code for answer in asyncio.run(get(app, "/a/b/1"))] == [200]
    assert names(recorder) == ["GET /a/b/{id}"]


def test_fastapi_routes_are_matched_once(recorder, noting):
    """Those of an application, of routers that were included, and of an application that is mounted."""
    app, router, mounted = fastapi.FastAPI(), fastapi.APIRouter(prefix="/shop"), fastapi.FastAPI()

    @app.get("/orders/{name:noting}")
    @router.get("/orders/{name:noting}")
    @mounted.get("/orders/{name:noting}")
    async def order(name: str):
        return name

    app.include_router(router, prefix="/v1")
    app.mount("/mounted", mounted)
    paths = ["/orders/a", "/v1/shop/orders/b", "/mounted/orders/c"]
    answers = asyncio.run(get(app, *paths))
    recorded = noting[:]
    seen = names(recorder)
    recorder.stop()
    noting.clear()
    assert [answer.json() for answer in asyncio.run(get(app, *paths))] == [answer.json() for answer in answers]
    assert noting == recorded
    assert seen == ["GET /orders/{name}", "GET /v1/shop/orders/{name}", "GET /mounted/orders/{name}"]


def test_a_method_that_a_fastapi_route_does_not_take_is_a_405(recorder):
    """Of an application's own route and of one that was included."""
    app, router = fastapi.FastAPI(), fastapi.APIRouter()
    app.get("/own")(answer)
    router.get("/included")(answer)
    app.include_router(router)
    answers = asyncio.run(get(app, "/own", "/included", method="POST"))
    assert [answer.status_code for answer in answers] == [405, 405]
    assert names(recorder) == ["405 Method Not Allowed"] * 2


def test_the_last_of_many_routes_is_found_by_as_many_matches_as_untraced(recorder):
    """Looking once more through a thousand routes doubled what a request costs."""
    Counting.calls.clear()
    app = Router([Counting(f"/{number}", answer) for number in range(1_000)])
    asyncio.run(get(Starlette(routes=app.routes), "/999"))
    assert Counting.calls.count("matches") == 2_000  # the name of the method, and its call
    assert names(recorder) == ["GET /999"]
