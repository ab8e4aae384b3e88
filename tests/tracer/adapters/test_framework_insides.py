"""What stays visible of programs on real frameworks: the program's own, and the requests of the framework's adapter."""

import asyncio
import contextlib

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware
from tests.tracer.support.mcp_shop import hold, shop, use


class Headers(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        response = await call_next(request)
        response.headers["x-frame-options"] = "deny"
        return response


def application(lock):
    app = FastAPI()
    app.add_middleware(Headers)
    app.add_middleware(Headers)

    @app.post("/orders")
    async def order(request: Request):
        body = [chunk async for chunk in request.stream()]
        async with lock:
            await asyncio.sleep(0)
        return StreamingResponse(iter(body))

    @app.get("/fails")
    async def fails():
        raise ValueError("no stock")

    return app


async def call(app, method, path):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        return (await client.request(method, path, content=b"two")).status_code


def visible(recorder):
    return [lifecycle for lifecycle in recorder.lifecycles() if not lifecycle.internal]


@pytest.mark.parametrize(("method", "path", "status"), [("POST", "/orders", 200), ("GET", "/fails", 500)])
def test_a_middlewares_task_groups_and_locks_are_not_the_programs(recorder, method, path, status) -> None:
    """An exception that goes through them is told once."""
    lock = asyncio.Lock()
    assert asyncio.run(call(application(lock), method, path)) == status
    own = visible(recorder)
    kinds = [lifecycle.resource.rpartition(".")[2].partition(" ")[0] for lifecycle in own]
    assert kinds == ["AsyncClient", "Request", *["Lock"] * (path == "/orders")]
    assert sum("error" in lifecycle.outcomes and not lifecycle.propagated for lifecycle in own) == (status == 500)
    request = own[1]
    assert all(lifecycle.parent == request.id for lifecycle in own[2:])


def test_of_mcp_the_session_its_calls_and_the_servers_requests_stay(recorder, rewritten) -> None:
    """Nothing of its transports, streams and task groups, at either end."""
    with contextlib.suppress(Exception):
        asyncio.run(use(shop(rewritten(hold))))
    kinds = {lifecycle.resource.partition(" ")[0] for lifecycle in visible(recorder)}
    assert kinds == {"mcp.ClientSession", "mcp.ToolCall", "mcp.Tool", "mcp.Request", "asyncio.timeout"}
