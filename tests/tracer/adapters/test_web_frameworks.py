"""Web frameworks that are not Starlette's: each request is one lifecycle, named by the framework's own route."""

import asyncio
import contextlib
import traceback

import httpx
import microdot.asgi
import pytest
from asgiref.sync import sync_to_async
from tests.support.waiting import until
from tests.tracer.support import django_shop, servers, web_applications
from tests.tracer.support.asgi_servers import SERVERS, ask
from tests.tracer.support.web_orders import Pauses

from tenure._identify import tracer
from tenure.adapters._kit import asgi_requests

FRAMEWORKS = {framework.__name__.removeprefix("by_"): framework for framework in web_applications.FRAMEWORKS}


@pytest.fixture(params=FRAMEWORKS.values(), ids=FRAMEWORKS)
def shop(request, recorder):
    """An application, once by each framework, made while everything is recorded."""
    return request.param()


async def directly(app, *requested):
    """What an application answers that no known server calls."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with started(app), httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        return [str((await client.request(*line.split())).status_code) for line in requested]


@contextlib.asynccontextmanager
async def started(app):
    """The application is started and stopped, where it knows how."""
    received, sent = asyncio.Queue(), asyncio.Queue()

    async def live():
        with contextlib.suppress(ValueError):  # Django's refusal
            await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, received.get, sent.put)
        await sent.put({"type": "lifespan.refused"})

    living = asyncio.create_task(live())
    await received.put({"type": "lifespan.startup"})
    assert (await sent.get())["type"] in {"lifespan.startup.complete", "lifespan.refused"}
    yield
    await received.put({"type": "lifespan.shutdown"})
    await living


WAYS = {"uvicorn": SERVERS["uvicorn"], "hypercorn": SERVERS["hypercorn"], "no server": directly}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def serve(request):
    """Serves an application, once in each way, and returns the status codes."""
    return request.param


def path(shop, number):
    """The path of an order, in this framework's form."""
    return f"/orders/{number}/" if shop.route.endswith("/") else f"/orders/{number}"


def requests(recorder):
    return [line.partition(": ")[2] for line in recorder.lines() if "Request " in line]


def below_requests(recorder):
    """What hangs directly below each request."""
    lifecycles = recorder.lifecycles()
    numbers = [lifecycle.id for lifecycle in lifecycles if "Request " in lifecycle.resource]
    return [[held.resource for held in lifecycles if held.parent == number] for number in numbers]


def test_a_request_is_named_by_its_route_and_is_the_parent_of_what_it_holds(recorder, shop, serve):
    """Its path is the client's; the framework's own tasks between the request and its view are not in the way."""
    assert asyncio.run(serve(shop.app, f"GET {path(shop, 1)}", f"GET {path(shop, 2)}")) == ["200", "200"]
    assert requests(recorder) == [f"{shop.kind} GET {shop.route}, ok ok ok"] * 2
    assert below_requests(recorder) == [["asyncio.locks.Lock"]] * 2


def test_a_request_is_placed_at_its_handler(recorder, shop, serve):
    """Where it is written."""
    asyncio.run(serve(shop.app, f"GET {path(shop, 1)}"))
    site = next(site for site in recorder.sites() if site.enter == "request")
    assert site.file.endswith(("/web_applications.py", "/django_shop.py"))
    assert site.function.rpartition(".")[2] == "order"


def test_an_exception_that_nobody_caught_is_one_failure(recorder, shop, serve):
    """The framework answers it; what a handler of the program answers is no failure, and neither is a refusal."""
    assert asyncio.run(serve(shop.app, "GET /fail", "GET /mistake", "GET /nowhere/17")) == ["500", "400", "404"]
    assert requests(recorder) == [
        f"{shop.kind} GET /fail, ok error(RuntimeError) goes on",
        f"{shop.kind} GET /mistake, ok ok ok",
        f"{shop.kind} 404 Not Found, ok ok ok",
    ]


def test_a_method_that_a_route_does_not_take_is_a_405(recorder, shop):
    """Django leaves that to its views."""
    name = f"POST {shop.route}" if shop.route.endswith("/") else "405 Method Not Allowed"
    asyncio.run(directly(shop.app, f"POST {path(shop, 1)}"))
    assert requests(recorder) == [f"{shop.kind} {name}, ok ok ok"]


def test_a_route_that_is_found_after_a_slow_middleware_is_kept(recorder, shop, monkeypatch):
    """The request was shipped by its method before."""

    async def main():
        monkeypatch.setattr(Pauses, "gate", asyncio.Event())
        asking = asyncio.create_task(directly(shop.app, f"GET {path(shop, 1)}"))
        await until(lambda: requests(recorder))
        before = requests(recorder)
        Pauses.gate.set()
        await asking
        return before

    (before,) = asyncio.run(main())
    assert before.endswith(", ok ?")
    assert requests(recorder) == [f"{shop.kind} GET {shop.route}, ok ok ok"]


def test_requests_at_the_same_time_keep_apart(recorder, shop):
    """Each has its own lock below it."""

    async def main():
        transport = httpx.ASGITransport(shop.app)
        async with started(shop.app), httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await asyncio.gather(*(client.get(path(shop, number)) for number in range(12)))

    assert [answer.status_code for answer in asyncio.run(main())] == [200] * 12
    assert requests(recorder) == [f"{shop.kind} GET {shop.route}, ok ok ok"] * 12
    assert below_requests(recorder) == [["asyncio.locks.Lock"]] * 12


def test_nothing_is_kept_of_a_request(recorder, shop, serve):
    """Neither its scope nor its task."""
    asyncio.run(serve(shop.app, f"GET {path(shop, 1)}", "GET /fail"))
    here = tracer.current.of(asgi_requests._Requests)
    assert (here.running, here.by_task) == ({}, {})


def test_a_wsgi_request_of_django_is_named_by_its_route(recorder):
    """The development server has them; an exception that nobody caught is its failure."""
    app = django_shop.application(django_shop.wsgi)
    client = httpx.Client(transport=httpx.WSGITransport(app, raise_app_exceptions=False), base_url="http://shop")
    with client:
        answers = [client.get(path).status_code for path in ("/plain/1", "/plain-fail", "/nowhere")]
    assert answers == [200, 500, 404]
    assert requests(recorder) == [
        "django.http.HttpRequest GET /plain/<int:pk>, ok ok ok",
        "django.http.HttpRequest GET /plain-fail, ok error(RuntimeError) goes on",
        "django.http.HttpRequest 404 Not Found, ok ok ok",
    ]


def test_microdots_own_server_has_the_same_requests(recorder):
    """No ASGI is in between."""
    app, port = web_applications.microdot_shop(microdot.Microdot()), servers.free_port()

    async def main():
        serving = asyncio.create_task(app.start_server("127.0.0.1", port))
        await until(lambda: app.server is not None)
        answers = [await ask(port, "GET", path) for path in ("/orders/1", "/fail", "/mistake", "/nowhere")]
        app.shutdown()
        await serving
        return [answer.split()[1] for answer in answers]

    assert asyncio.run(main()) == [b"200", b"500", b"400", b"404"]
    assert requests(recorder) == [
        "microdot.Request GET /orders/<int:pk>, ok ok ok",
        "microdot.Request GET /fail, ok error(RuntimeError) goes on",
        "microdot.Request GET /mistake, ok ok ok",
        "microdot.Request 404 Not Found, ok ok ok",
    ]


def test_routes_of_microdot_that_share_a_handler_are_told_apart(recorder):
    """By the pattern that fits the path."""
    app = microdot.asgi.Microdot()

    async def both(request, **named):
        return "done"

    for route in ("/a/<name>", "/b/<int:pk>"):
        app.get(route)(both)
    assert asyncio.run(directly(app, "GET /b/1", "GET /a/x", "HEAD /a/x")) == ["200"] * 3
    assert [name.partition(",")[0] for name in requests(recorder)] == [
        "microdot.Request GET /b/<int:pk>",
        "microdot.Request GET /a/<name>",
        "microdot.Request HEAD /a/<name>",
    ]


def test_an_async_view_of_a_wsgi_request_is_part_of_it(recorder):
    """Django runs it in a loop of another thread."""
    app = django_shop.application(django_shop.wsgi)
    with httpx.Client(transport=httpx.WSGITransport(app), base_url="http://shop") as client:
        assert client.get("/orders/1/").status_code == 200
    assert requests(recorder) == ["django.http.HttpRequest GET /orders/<int:pk>/, ok ok ok"]
    assert below_requests(recorder) == [["asyncio.locks.Lock"]]


def test_an_async_view_below_a_synchronous_middleware_is_part_of_its_request(recorder):
    """The middleware runs in a thread, and the view in the server's loop again; twelve at the same time."""
    app = django_shop.application(django_shop.with_synchronous_middleware)

    async def main():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
            return await asyncio.gather(*(client.get(f"/orders/{number}/") for number in range(12)))

    assert [answer.status_code for answer in asyncio.run(main())] == [200] * 12
    assert below_requests(recorder) == [["asyncio.locks.Lock"]] * 12


def test_what_a_thread_of_django_raises_shows_no_frame_of_tenure(recorder):
    """The traceback is the program's."""

    def fail():
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError) as caught:
        asyncio.run(sync_to_async(fail)())
    assert "/tenure/" not in "".join(frame.filename for frame in traceback.extract_tb(caught.tb))
