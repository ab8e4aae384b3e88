"""Batches of lifecycles as a tracer sends them, the same in each run."""

from __future__ import annotations

import random
import time

from tenure import wire

BATCHES, ROWS = 400, 500


def batches(count: int = BATCHES, version: int = wire.VERSION) -> list[bytes]:
    """Batches of 500 lifecycles, encoded in this version: 40 tasks, 20 resources, 30 sites, five lifecycles a trace."""
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
        encoded.append(wire.encode(batch, version))
    return encoded
