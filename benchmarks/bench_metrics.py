"""What a page of metrics costs a collector that has counted many resources."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from benchmarks.figure import Figure
from tenure import wire
from tenure_server.app import Server, create_app
from tenure_server.http.app_keys import STORE
from tenure_server.settings import Settings

RESOURCES, LIFECYCLES = 10_000, 50_000
BATCH = 5_000
PAGES = 5


def batches() -> list[wire.Batch]:
    """A program that uses each resource in turn, every one of them by a name of its own."""
    process = wire.Process(bytes(range(16)), "benchmark", "localhost", 1, "3.11.7", time.time_ns())
    sites = [wire.Site("shop/stock.py", 41, "Stock.reserve", "self._lock")]
    tasks = [wire.Task(1, "main", "main", "task", 0, 0, 0, None)]
    sent = []
    for first in range(1, LIFECYCLES + 1, BATCH):
        used = [(first + n) % RESOURCES for n in range(BATCH)]
        resources = [wire.Resource(n + 1, "asyncio.locks.Lock", f"lock {n}", 1, "control") for n in used]
        rows = [
            wire.Row(
                first + n, 0, n, 0, n, 0, 1_000, 50_000 + n, 5_000_000 - n, 2_000, wire.OK | wire.OK << 2 | wire.OK << 4
            )
            for n in range(BATCH)
        ]
        traces = [wire.Trace(first + n) for n in range(BATCH)]
        sequence = first // BATCH + 1
        offset_ns, base_ns = time.time_ns(), sequence * 10_000_000
        sent.append(wire.Batch(1, process, sequence, offset_ns, base_ns, sites, resources, tasks, traces, [], rows))
    return sent


def figures() -> list[Figure]:
    """The middle of five pages, asked for one after the other."""
    page, packed, size, late = asyncio.run(_run())
    return [
        Figure(f"a page of metrics, {RESOURCES:,} resources", page, "ms", ""),
        Figure("the same, gzipped", packed, "ms", ""),
        Figure("its size", size / 1e6, "MB", ""),
        Figure("a turn of the event loop comes late, p99", late, "ms", ""),
    ]


async def _run() -> tuple[float, float, float, float]:
    with tempfile.TemporaryDirectory() as directory:
        now_ns = time.time_ns()  # which stands still: the program, which sends nothing more, shall not die
        app = create_app(Settings(port=0, store=Path(directory) / "store.sqlite"), clock=lambda: now_ns)
        server = Server(app)
        url = await server.start()
        try:
            for batch in batches():
                await app[STORE].write(batch)
            async with aiohttp.ClientSession(auto_decompress=False) as session, _turns() as turns:
                plain = [await _page(session, url, "identity") for _ in range(PAGES)]
                packed = [await _page(session, url, "gzip") for _ in range(PAGES)]
            late = statistics.quantiles(turns, n=100)[98]
            middle = statistics.median
            return middle(ms for ms, _ in plain), middle(ms for ms, _ in packed), plain[0][1], late
        finally:
            await server.stop()


async def _page(session: aiohttp.ClientSession, url: str, encoding: str) -> tuple[float, int]:
    """Milliseconds and bytes."""
    began = time.perf_counter()
    size = 0
    async with session.get(f"{url}/metrics", headers={"Accept-Encoding": encoding}) as answer:
        assert answer.status == 200
        async for piece in answer.content.iter_any():
            size += len(piece)
    return (time.perf_counter() - began) * 1e3, size


@asynccontextmanager
async def _turns() -> AsyncIterator[list[float]]:
    """How many milliseconds late the event loop gives a turn, a thousand times a second at most."""
    late: list[float] = []

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            late.append((time.perf_counter() - began - 0.001) * 1e3)

    watching = asyncio.create_task(watch())
    try:
        yield late
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
