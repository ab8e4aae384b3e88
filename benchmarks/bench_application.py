"""What recording costs applications: processor time and latency of a request, bare, recorded, under OpenTelemetry.

A service (FastAPI under uvicorn, asyncpg's pool and a transaction, a lock, a semaphore: five managers a request) runs
on a real PostgreSQL, three times side by side: bare, under `tenure run` with a collector in a process of its own, and
under `opentelemetry-instrument` with the instrumentations of FastAPI and asyncpg and an OTLP exporter. They are asked
in turns, so that each round finds the same machine. A figure is the middle of the rounds; a ratio is the middle of the
rounds' ratios. The shop of `make demo` runs in the same three ways, in turns.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
from tests.tracer.support.servers import free_port, postgres

from benchmarks.application.profile import Sampling
from benchmarks.application.running import WAYS, command, cpu_seconds, running
from benchmarks.collector_process import Running, collector
from benchmarks.figure import Figure

ROUNDS, REQUESTS, CLIENTS = 15, 400, 8
WARM_UP = 600  # requests
SETTLE_S = 0.3  # until what a round left behind is shipped
PROFILE_S = 6
SHOP_ROUNDS = 5
SHOP_RATE, SHOP_S, SHOP_START_S = 60.0, 6.0, 3.0  # customers a second, seconds
EXAMPLES = Path(__file__).parent.parent / "examples"
START_S = 30.0


class Round(NamedTuple):
    """Of one request: processor time of the service, and the 99th percentile of the time to its answer; seconds."""

    cpu: float
    p99: float


def figures() -> list[Figure]:
    """The table's lines, the application's first."""
    return asyncio.run(_figures())


async def _figures() -> list[Figure]:
    with postgres() as database, _sink() as sink:
        async with collector() as store:
            rounds, rooms = await _service(f"postgres:{database}", store, sink)
            shop = [{way: await _shop(way, store, sink) for way in WAYS} for _ in range(SHOP_ROUNDS)]
    bare, recorded, otel = (rounds[way] for way in WAYS)
    more = [
        statistics.median(turn.cpu for turn in way) - statistics.median(turn.cpu for turn in bare)
        for way in (recorded, otel)
    ]
    return [
        Figure("service: recorded, CPU of a request", _ratio(recorded, bare, "cpu"), "x bare", "at most 1.10"),
        Figure("service: recorded, p99", _ratio(recorded, bare, "p99"), "x bare", "at most 1.15"),
        Figure("service: OpenTelemetry, CPU of a request", _ratio(otel, bare, "cpu"), "x bare", ""),
        Figure("service: OpenTelemetry, p99", _ratio(otel, bare, "p99"), "x bare", ""),
        Figure("service: OpenTelemetry adds", more[1] / more[0], "x Tenure's", "at least 20"),
        Figure("service: bare, CPU of a request", statistics.median(turn.cpu for turn in bare) * 1e6, "µs", ""),
        Figure("service: recording adds to a request", more[0] * 1e6, "µs", ""),
        *(
            Figure(f"shop: {title}, CPU", statistics.median(turn[way] / turn["bare"] for turn in shop), "x bare", "")
            for way, title in (("recorded", "recorded"), ("opentelemetry", "OpenTelemetry"))
        ),
        *(Figure(f"service: samples in {room}", share, "%", "") for room, share in sorted(rooms.items())),
    ]


def _ratio(way: list[Round], bare: list[Round], part: str) -> float:
    return statistics.median(getattr(one, part) / getattr(other, part) for one, other in zip(way, bare, strict=True))


async def _service(database: str, store: Running, sink: str) -> tuple[dict[str, list[Round]], dict[str, float]]:
    """The rounds of each way, and the shares of Tenure's rooms in the recorded one."""
    with contextlib.ExitStack() as stack:
        urls, pids = {}, {}
        for way in WAYS:
            port = free_port()
            arguments = ("benchmarks.application.service:app", "--port", str(port), "--no-access-log")
            line, variables = command(way, "uvicorn", *arguments, collector=store.url, sink=sink)
            program = stack.enter_context(running(line, variables | {"DATABASE": database}))
            urls[way], pids[way] = f"http://127.0.0.1:{port}", program.pid
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CLIENTS)) as session:
            for url in urls.values():
                await _until_it_answers(session, url)
                await _ask(session, url, WARM_UP)
            rounds: dict[str, list[Round]] = {way: [] for way in WAYS}
            for turn in range(ROUNDS):
                for way in WAYS if turn % 2 else reversed(WAYS):
                    rounds[way].append(await _round(session, urls[way]))
            sampling = Sampling(pids["recorded"], PROFILE_S)
            until = time.monotonic() + PROFILE_S
            while time.monotonic() < until:
                await _ask(session, urls["recorded"], REQUESTS)
            return rounds, await asyncio.to_thread(sampling.shares)


async def _round(session: aiohttp.ClientSession, url: str) -> Round:
    before = await _cpu(session, url)
    times = await _ask(session, url, REQUESTS)
    await asyncio.sleep(SETTLE_S)
    used = await _cpu(session, url) - before
    return Round(used / REQUESTS, statistics.quantiles(times, n=100)[98])


async def _ask(session: aiohttp.ClientSession, url: str, count: int) -> list[float]:
    """Seconds to each answer, asked by some clients at once."""
    times: list[float] = []

    async def client(first: int) -> None:
        for number in range(first, count, CLIENTS):
            began = time.perf_counter()
            async with session.get(f"{url}/orders/{number}") as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()
            times.append(time.perf_counter() - began)

    await asyncio.gather(*(client(first) for first in range(CLIENTS)))
    return times


async def _cpu(session: aiohttp.ClientSession, url: str) -> float:
    async with session.get(f"{url}/cpu") as answer:
        return float(await answer.text())


async def _until_it_answers(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(START_S):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                await _cpu(session, url)
                return
            await asyncio.sleep(0.1)


async def _shop(way: str, store: Running, sink: str) -> float:
    """Seconds of processor time in SHOP_S; its own customers ask."""
    arguments = ("--rate", str(SHOP_RATE), "--seconds", str(SHOP_START_S + SHOP_S + 2))
    line, variables = command(way, "shop", *arguments, collector=store.url, sink=sink)
    with running(line, variables, EXAMPLES) as program:
        await asyncio.sleep(SHOP_START_S)
        before = cpu_seconds(program.pid)
        await asyncio.sleep(SHOP_S)
        return cpu_seconds(program.pid) - before


@contextlib.contextmanager
def _sink() -> Iterator[str]:
    port = free_port()
    with running([sys.executable, "-m", "benchmarks.application.span_sink", str(port)]):
        yield f"http://127.0.0.1:{port}"
