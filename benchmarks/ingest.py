"""Lifecycles a second through the collector into SQLite, and what one costs it.

The collector is a process of its own. It is sent the same batches that a tracer sends, 500 lifecycles each, over four
connections; "on one core" divides by the processor time that it used, all its threads together.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp

from benchmarks import Measure
from tenure import wire
from tenure_server.app import Server, create_app
from tenure_server.export.targets import Target
from tenure_server.settings import Settings

BATCHES, ROWS = 400, 500
CONNECTIONS = 4
HEADERS = {"Content-Type": wire.CONTENT_TYPE}
MARK = "at least 100,000"


def batches(count: int = BATCHES) -> list[bytes]:
    """A program of 40 tasks, 20 resources and 30 sites; a trace has five lifecycles."""
    chance = random.Random(1)  # noqa: S311 -- not for secrets
    process = wire.Process(bytes(range(16)), "benchmark", "localhost", 1, "3.11.7", time.time_ns())
    sites = [wire.Site("shop/stock.py", line, "Stock.reserve", "self._lock") for line in range(30)]
    resources = [wire.Resource(n + 1, "asyncio.locks.Lock", f"lock {n}", 1, "control") for n in range(20)]
    tasks = [wire.Task(n + 1, f"worker-{n}", "worker", "task", 0, 0, 0, None) for n in range(40)]
    encoded = []
    for sequence in range(1, count + 1):
        first = 1 + (sequence - 1) * ROWS
        rows = [
            wire.Row(
                id=first + n,
                parent=0 if n % 5 == 0 else first + n - n % 5,
                trace=n // 5,
                task=n // 5 % 40,
                resource=chance.randrange(20),
                site=n % 30,
                acquire_ns=chance.randrange(20_000),
                wait_ns=chance.randrange(50_000),
                hold_ns=chance.randrange(5_000_000),
                release_ns=chance.randrange(2_000),
                outcomes=wire.OK | wire.OK << wire.BODY_SHIFT | wire.OK << wire.RELEASE_SHIFT,
            )
            for n in range(ROWS)
        ]
        traces = [wire.Trace(first + n) for n in range(0, ROWS, 5)]
        base_ns = sequence * 10_000_000
        batch = wire.Batch(1, process, sequence, time.time_ns(), base_ns, sites, resources, tasks, traces, [], rows)
        encoded.append(wire.encode(batch))
    return encoded


def rows() -> list[Measure]:
    """Each figure is the middle of three runs into a fresh store."""
    wall, core, latency = zip(*(asyncio.run(run(batches())) for _ in range(3)), strict=True)
    return [
        Measure("stored, on one core of the collector's", statistics.median(core), "lifecycles/s", MARK),
        Measure("stored, by the clock", statistics.median(wall), "lifecycles/s", ""),
        Measure("from POST to 200 of one batch of 500, p50", statistics.median(latency), "ms", ""),
    ]


class Rates(NamedTuple):
    """Lifecycles a second by the clock and by processor time; milliseconds of one batch on an idle collector."""

    wall: float
    core: float
    latency_ms: float


class Cost(NamedTuple):
    """Of one lifecycle among many: seconds by the clock, and of the collector's processor time."""

    wall: float
    core: float


async def run(bodies: list[bytes]) -> Rates:
    """Send everything to a collector."""
    async with collector() as running, aiohttp.ClientSession(headers=HEADERS) as session:
        waits = []
        for body in bodies[:20]:
            began = time.perf_counter()
            await _post(session, running, body)
            waits.append(time.perf_counter() - began)
        cost = await flood(session, running, bodies[20:])
    return Rates(1 / cost.wall, 1 / cost.core, statistics.median(waits) * 1e3)


async def flood(session: aiohttp.ClientSession, running: Running, bodies: list[bytes]) -> Cost:
    """Send over four connections as fast as the collector takes it."""

    async def send(share: list[bytes]) -> None:
        for body in share:
            await _post(session, running, body)

    cpu, began = await cpu_seconds(running), time.perf_counter()
    await asyncio.gather(*(send(bodies[n::CONNECTIONS]) for n in range(CONNECTIONS)))
    wall, core = time.perf_counter() - began, await cpu_seconds(running) - cpu
    stored = len(bodies) * ROWS
    return Cost(wall / stored, core / stored)


async def _post(session: aiohttp.ClientSession, running: Running, body: bytes) -> None:
    async with session.post(f"{running.url}/v1/lifecycles", data=body) as answer:
        assert answer.status == 200, await answer.text()


class Running(NamedTuple):
    """A collector in a process of its own, with a store in a file."""

    url: str
    pid: int
    ask: asyncio.StreamWriter
    answers: asyncio.StreamReader


@asynccontextmanager
async def collector(*targets: str) -> AsyncIterator[Running]:
    """One that exports to the targets."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.ingest", *targets),
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
