"""A collector in a process of its own, and how fast it stores what it is sent."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp

from benchmarks.lifecycle_batches import ROWS
from tenure import wire
from tenure_server.app import Server, create_app
from tenure_server.export.targets import Target
from tenure_server.settings import Settings

CONNECTIONS = 4
HEADERS = {"Content-Type": wire.CONTENT_TYPE}


class Running(NamedTuple):
    """A collector in a process of its own, with a store in a file."""

    url: str
    pid: int
    ask: asyncio.StreamWriter
    answers: asyncio.StreamReader


class Cost(NamedTuple):
    """Of one lifecycle among many: seconds by the clock, and of the collector's processor time."""

    wall: float
    core: float


async def flood(session: aiohttp.ClientSession, running: Running, bodies: list[bytes]) -> Cost:
    """Send over four connections as fast as the collector takes it."""

    async def send(share: list[bytes]) -> None:
        for body in share:
            await post(session, running, body)

    cpu, began = await cpu_seconds(running), time.perf_counter()
    await asyncio.gather(*(send(bodies[n::CONNECTIONS]) for n in range(CONNECTIONS)))
    wall, core = time.perf_counter() - began, await cpu_seconds(running) - cpu
    stored = len(bodies) * ROWS
    return Cost(wall / stored, core / stored)


async def post(session: aiohttp.ClientSession, running: Running, body: bytes) -> None:
    async with session.post(f"{running.url}/v1/lifecycles", data=body) as answer:
        assert answer.status == 200, await answer.text()


@asynccontextmanager
async def collector(*targets: str) -> AsyncIterator[Running]:
    """One that exports to the targets."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.collector_process", *targets),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    yield Running(url, process.pid, process.stdin, process.stdout)
    process.stdin.close()
    await process.wait()


async def cpu_seconds(running: Running) -> float:
    """Processor time that it has used so far."""
    running.ask.write(b"\n")
    return float(await running.answers.readline())


async def _serve() -> None:
    """The collector's side: print the URL, then the processor time used, once for every line of stdin."""
    with tempfile.TemporaryDirectory() as directory:
        targets = tuple(Target.parse(url) for url in sys.argv[1:])
        server = Server(create_app(Settings(port=0, store=Path(directory) / "benchmark.sqlite", otlp=targets)))
        print(await server.start(), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(time.process_time(), flush=True)
        await server.stop()


if __name__ == "__main__":
    asyncio.run(_serve())
