"""ASGI servers that are processes of their own: each worker is recorded, and each request is one lifecycle."""

import asyncio
import contextlib
import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest
from tests.support.waiting import until
from tests.tracer.support import programs, servers
from tests.tracer.support.asgi_servers import ask

from tenure import testing

SHOP = """
import asyncio

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        for _ in range(2):
            await send({"type": (await receive())["type"] + ".complete"})
        return
    async with asyncio.timeout(5):
        if scope["path"] == "/fail":
            raise RuntimeError("a bug")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"done"})
"""
SERVERS = {
    "granian": ["granian", "--interface", "asgi", "app:app", "--port", "{port}"],
    "granian with two workers": ["granian", "--interface", "asgi", "app:app", "--workers", "2", "--port", "{port}"],
    "gunicorn": ["gunicorn", "-k", "asgi", "app:app", "-b", "127.0.0.1:{port}"],
    "gunicorn with two workers": [
        *(
            "gunicorn",
            "-k",
            "asgi",
            "-w",
            "2",
            "--preload",
            "--graceful-timeout",
            "2",
            "app:app",
            "-b",
            "127.0.0.1:{port}",
        ),
    ],
}


# What a server with two workers writes for each that has started.
STARTED = {"granian with two workers": "Started worker", "gunicorn with two workers": "ASGI server listening"}


@contextlib.asynccontextmanager
async def serving(directory: Path, name: str):
    """Run a server below `tenure run` while the block runs; its port. A worker that still starts may ignore SIGTERM."""
    command, log = SERVERS[name], directory / "log"
    port = servers.free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TENURE_", "OTEL_"))}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    arguments = [word.format(port=port) for word in command]
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tenure", "run", "-o", "recording.json", *arguments),
            cwd=directory,
            env=environment,
            stdout=file,
            stderr=file,
        )
    try:
        await until(partial(answers, port), 30)
        if name in STARTED:
            await until(lambda: log.read_text(errors="replace").count(STARTED[name]) == 2, 30)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await process.wait()


async def answers(port: int) -> bool:
    with contextlib.suppress(OSError, IndexError):
        return await status(port, "/") == "200"
    return False


async def status(port: int, path: str) -> str:
    return (await ask(port, "GET", path)).split()[1].decode()


@pytest.mark.parametrize("name", SERVERS)
async def test_each_request_is_one_lifecycle_of_its_worker(tmp_path: Path, name: str) -> None:
    """Of a bare application: by its method, with what it holds below it, and a failure where it raised."""
    programs.write(tmp_path, app=SHOP)
    async with serving(tmp_path, name) as port:
        assert await asyncio.gather(*(status(port, f"/orders/{number}") for number in range(12))) == ["200"] * 12
        assert await status(port, "/fail") == "500"
    requests = sorted(requests_of(tmp_path / "recording.json"))
    held = "asyncio.timeout 5 s"
    assert requests == [(("asgi.Request GET", "ok error ok"), (held, "ok error ok"))] + [
        (("asgi.Request GET", "ok ok ok"), (held, "ok ok ok"))
    ] * (len(requests) - 1)
    assert len(requests) >= 14  # 12, the failure, and those until the server answered


def requests_of(recording: Path) -> list[tuple[tuple[str, str], ...]]:
    """Each request and what is below it: resources with the outcomes of their phases."""
    lifecycles = {
        (batch.process.pid, lifecycle.id): lifecycle
        for batch in programs.recorded(recording)
        for lifecycle in testing.lifecycles_of(batch)
    }
    traces: dict[tuple[int, int], list[tuple[str, str]]] = {}
    for (process, _), lifecycle in sorted(lifecycles.items(), key=lambda item: item[0]):
        traces.setdefault((process, lifecycle.trace), []).append((lifecycle.resource, lifecycle.outcomes))
    return [tuple(trace) for trace in traces.values() if "lifespan" not in trace[0][0]]
