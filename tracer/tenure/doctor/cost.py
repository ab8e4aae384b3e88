"""Measures what one record costs: an empty ``async with``, bare and recorded, side by side in this process.

A round runs each a few hundred times in a loop. The result is the median of the rounds. A recording session must be on.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import cast

import msgspec

from tenure._core import buffer
from tenure._rewriting import loaders

ROUNDS, TIMES = 25, 400

PROGRAM = b"""
from time import perf_counter_ns

class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): return False

async def loop(times):
    begin = perf_counter_ns()
    for _ in range(times):
        async with Manager():
            pass
    return (perf_counter_ns() - begin) / times
"""

Loop = Callable[[int], Awaitable[float]]


class Cost(msgspec.Struct, frozen=True):
    """Nanoseconds for one ``async with`` of an empty manager."""

    bare_ns: float
    recorded_ns: float
    ratio: float  # recorded by bare, the median of the rounds' ratios


def measure() -> Cost:
    """Run the rounds; takes about 20 ms."""
    return asyncio.run(_measure(_loop(recorded=False), _loop(recorded=True)))


async def _measure(bare: Loop, recorded: Loop) -> Cost:
    await bare(TIMES)
    await recorded(TIMES)
    rounds = []
    for _ in range(ROUNDS):
        rounds.append((await bare(TIMES), await recorded(TIMES)))
        buffer.drain()  # so that the shipping thread is idle during a round
    return Cost(
        bare_ns=statistics.median(bare_ns for bare_ns, _ in rounds),
        recorded_ns=statistics.median(recorded_ns for _, recorded_ns in rounds),
        ratio=statistics.median(recorded_ns / bare_ns for bare_ns, recorded_ns in rounds),
    )


def _loop(*, recorded: bool) -> Loop:
    module = ModuleType("cost")
    code = (
        loaders.compile_rewritten(PROGRAM, "cost.py", sync=False) if recorded else compile(PROGRAM, "cost.py", "exec")
    )
    exec(code, vars(module))  # noqa: S102  # Tenure's own program
    return cast("Loop", vars(module)["loop"])
