"""Tasks of requests are called by their routes, and tasks that a library makes by a function that says something."""

import asyncio

import anyio
import pytest
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from tests.tracer.support.asgi_servers import by_uvicorn

from tenure._identify import request_tasks, task_names, tasks


async def answer(request):
    async with asyncio.Lock():
        return PlainTextResponse("")


async def pass_on(request, call_next):
    return await call_next(request)


class Middleware(BaseHTTPMiddleware):
    """Its endpoint runs in a task of the framework's."""

    def __init__(self, app):
        super().__init__(app, dispatch=pass_on)


def names(recorder):
    return {line.lstrip().partition(": ")[0] for line in recorder.tree() if line.endswith((" /orders/{id}", "Lock"))}


def test_the_task_of_a_request_is_called_by_its_route(recorder):
    """The route is found in a task of the framework's; that has the name of the function that made it."""
    app = Starlette(routes=[Route("/orders/{id}", answer)])
    app.add_middleware(Middleware)
    asyncio.run(by_uvicorn(app, "GET /orders/17"))
    assert names(recorder) == {"GET /orders/{id}", "BaseHTTPMiddleware.call_next-1"}


def test_a_task_of_the_programs_keeps_its_name(recorder):
    """A test client calls the application in the program's own task."""

    async def main():
        async def receive():
            return {"type": "http.request"}

        async def send(message):
            pass

        scope = {"type": "http", "method": "GET", "path": "/orders/17", "headers": [], "query_string": b""}
        await Starlette(routes=[Route("/orders/{id}", answer)])(scope, receive, send)

    asyncio.run(main())
    assert names(recorder) == {"main"}


def test_a_task_of_several_requests_has_no_ones_name(recorder):
    """A server may handle all requests of a connection in one task."""

    async def connection():
        seen = []
        async with asyncio.Lock():
            number = tasks.find()
            request_tasks.begin(number, "GET")
            request_tasks.rename(number, "GET /orders/{id}")
            seen.append(tasks.known(asyncio.current_task()).name)
            request_tasks.begin(number, "GET")
            request_tasks.rename(number, "GET /")
            seen.append(tasks.known(asyncio.current_task()).name)
        return seen

    async def main():
        task_names.entitle(connection.__qualname__, "connection")
        return await asyncio.create_task(connection())

    assert asyncio.run(main()) == ["GET /orders/{id}", "connection-1"]


@pytest.mark.parametrize(
    ("coroutine", "name"),
    [
        ("BaseHTTPMiddleware.__call__.<locals>.call_next.<locals>.coro", "BaseHTTPMiddleware.call_next-1"),
        ("StreamingResponse.__call__.<locals>.wrap", "StreamingResponse-1"),
        ("main.<locals>.inner", "inner-1"),
        ("wrapper", "wrapper-1"),
        ("decorate.<locals>.wrapper", "decorate-1"),
        ("Shop.checkout", "Shop.checkout-1"),
    ],
)
def test_a_function_whose_name_says_nothing_is_called_by_those_around_it(recorder, coroutine, name):
    """The classes and functions, without what Python calls by itself."""
    assert task_names.from_coroutine(coroutine, is_first=False) == name


def test_the_tasks_of_an_anyio_group_are_called_as_those_of_asyncio(recorder):
    """Neither the coroutine in which anyio runs them nor the name that it makes is the program's."""

    async def worker():
        async with anyio.Lock():
            await anyio.lowlevel.checkpoint()

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(worker)
            group.start_soon(worker)
            group.start_soon(worker, name="own.worker")

    asyncio.run(main())
    named = {(task.name, task.coroutine.rpartition(".")[2]) for task in recorder.tasks() if "worker" in task.coroutine}
    assert named == {("worker-1", "worker"), ("worker-2", "worker"), ("own.worker", "worker")}
