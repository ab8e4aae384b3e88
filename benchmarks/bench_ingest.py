"""Lifecycles a second through the collector into SQLite, and what one costs it.

The collector is a process of its own. It is sent the same batches that a tracer sends, 500 lifecycles each, over four
connections; "on one core" divides by the processor time that it used, all its threads together. Rows are version 1 of
the wire, columns version 2.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import NamedTuple

import aiohttp

from benchmarks.collector_process import HEADERS, collector, flood, post
from benchmarks.figure import Figure
from benchmarks.lifecycle_batches import batches
from tenure import wire


class Rates(NamedTuple):
    """Lifecycles a second by the clock and by processor time; milliseconds of one batch on an idle collector."""

    wall: float
    core: float
    latency_ms: float


def figures() -> list[Figure]:
    """Each figure is the middle of three runs into a fresh store."""
    rows, columns = batches(), batches(version=wire.VERSION_2)
    runs = [(asyncio.run(_run(rows)), asyncio.run(_run(columns)).core) for _ in range(3)]
    wall, core, latency = zip(*(rates for rates, _ in runs), strict=True)
    of_columns = statistics.median(core for _, core in runs)
    return [
        Figure("stored from columns, on one core of the collector's", of_columns, "lifecycles/s", "at least 100,000"),
        Figure("stored, on one core of the collector's", statistics.median(core), "lifecycles/s", "at least 100,000"),
        Figure("stored, by the clock", statistics.median(wall), "lifecycles/s", ""),
        Figure("from POST to 200 of one batch of 500, p50", statistics.median(latency), "ms", ""),
    ]


async def _run(bodies: list[bytes]) -> Rates:
    """Send everything to a collector."""
    async with collector() as running, aiohttp.ClientSession(headers=HEADERS) as session:
        waits = []
        for body in bodies[:20]:
            began = time.perf_counter()
            await post(session, running, body)
            waits.append(time.perf_counter() - began)
        cost = await flood(session, running, bodies[20:])
    return Rates(1 / cost.wall, 1 / cost.core, statistics.median(waits) * 1e3)
