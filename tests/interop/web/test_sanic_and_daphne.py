"""Sanic's own server, and daphne, below `tenure run`. Run by `make interop`.

Sanic needs an older release of a library than the development environment has, and daphne brings Twisted. So both are
in the environment whose Python is $TENURE_INTEROP_PYTHON.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from tests.support.waiting import until
from tests.tracer.support import programs, servers
from tests.tracer.support.asgi_servers import ask

from tenure import testing

pytestmark = pytest.mark.interop

PYTHON = os.environ.get("TENURE_INTEROP_PYTHON", "")
ROOT = Path(__file__).parent.parent.parent.parent

SANIC = """
import asyncio
import sanic

app = sanic.Sanic("shop")

class Mistake(Exception):
    pass

@app.on_request
async def pause(request):
    await asyncio.sleep(0.01)

@app.get("/orders/<pk:int>")
async def order(request, pk):
    async with asyncio.timeout(5):
        return sanic.text("done")

@app.get("/fail")
async def fail(request):
    raise RuntimeError("a bug")

@app.get("/mistake")
async def mistake(request):
    raise Mistake

@app.exception(Mistake)
async def answer(request, error):
    return sanic.text("sorry", 400)
"""
BARE = """
import asyncio

async def app(scope, receive, send):
    async with asyncio.timeout(5):
        if scope["path"] == "/fail":
            raise RuntimeError("a bug")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})
"""


@contextlib.asynccontextmanager
async def serving(directory: Path, *command: str) -> AsyncIterator[int]:
    """Run a server's module below `tenure run` while the block runs; its port."""
    port = servers.free_port()
    process = await asyncio.create_subprocess_exec(
        *(PYTHON, "-m", "tenure", "run", "-o", "recording.json", "-m"),
        *(word.format(port=port) for word in command),
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tracer")},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(partial(listens, port), 30)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await process.wait()


async def listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False


async def status(port: int, path: str) -> str:
    return (await ask(port, "GET", path)).split()[1].decode()


def traces(recording: Path) -> list[list[str]]:
    """What each request holds, after the request itself; each with the outcomes of its phases."""
    found: dict[tuple[int, int], list[str]] = {}
    lifecycles = {
        (batch.process.pid, lifecycle.id): lifecycle
        for batch in programs.recorded(recording)
        for lifecycle in testing.lifecycles_of(batch)
    }
    for (process, _), lifecycle in sorted(lifecycles.items(), key=lambda item: item[0]):
        found.setdefault((process, lifecycle.trace), []).append(f"{lifecycle.resource}, {lifecycle.outcomes}")
    return sorted(found.values())


async def test_requests_of_sanics_own_server_are_named_by_their_routes(tmp_path: Path) -> None:
    """Twelve at a time; what no handler of the program answers is a failure."""
    programs.write(tmp_path, app=SANIC)
    command = "sanic", "app:app", "--single-process", "--host", "127.0.0.1", "--port", "{port}"
    async with serving(tmp_path, *command) as port:
        assert await asyncio.gather(*(status(port, f"/orders/{number}") for number in range(12))) == ["200"] * 12
        assert [await status(port, path) for path in ("/fail", "/mistake", "/nowhere")] == ["500", "400", "404"]
    order = ["sanic.Request GET /orders/<pk:int>, ok ok ok", "asyncio.timeout 5 s, ok ok ok"]
    assert traces(tmp_path / "recording.json") == [
        ["sanic.Request 404 Not Found, ok ok ok"],
        ["sanic.Request GET /fail, ok error ok"],
        ["sanic.Request GET /mistake, ok ok ok"],
        *[order] * 12,
    ]


async def test_requests_that_daphne_calls_are_lifecycles(tmp_path: Path) -> None:
    """Of a bare application: by their methods."""
    programs.write(tmp_path, app=BARE)
    async with serving(tmp_path, "daphne", "-b", "127.0.0.1", "-p", "{port}", "app:app") as port:
        assert await asyncio.gather(*(status(port, f"/orders/{number}") for number in range(12))) == ["200"] * 12
        assert await status(port, "/fail") == "500"
    assert traces(tmp_path / "recording.json") == [
        ["asgi.Request GET, ok error ok", "asyncio.timeout 5 s, ok error ok"],
        *[["asgi.Request GET, ok ok ok", "asyncio.timeout 5 s, ok ok ok"]] * 12,
    ]
