"""Batches with something of everything, whose bytes stand in ``tests/golden/wire``."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from tenure import wire

GOLDEN = Path(__file__).parents[1] / "golden" / "wire"

VERSION_1 = wire.Batch(
    version=1,
    process=wire.Process(bytes(range(16)), "shop", "host-1", 4711, "3.11.7", 1_700_000_000_000_000_000),
    sequence=3,
    clock_offset_ns=1_699_999_995_000_000_000,
    base_ns=5_000_000_000,
    sites=[
        wire.Site("shop/stock.py", 41, "Stock.reserve", "self._lock"),
        wire.Site("shop/db.py", 12, "orders", "pool.acquire()", "acquire", "__aexit__"),
    ],
    resources=[
        wire.Resource(1, "asyncio.locks.Lock", "stock_lock", 1, "control"),
        wire.Resource(2, "shop.db.Pool", "pool", None, "database"),
    ],
    tasks=[
        wire.Task(1, "main", "main", "task", 0, 0, None, None),
        wire.Task(2, "worker-1", "worker", "task", 1, 7, 5_000_000_100, 5_000_900_000, wire.ERROR, 1),
        wire.Task(3, "MainThread", "", "thread", 0, 0, None, None),
    ],
    traces=[wire.Trace(7), wire.Trace(9, 7, bytes(range(16, 32)), bytes(range(8)))],
    exceptions=[wire.ExceptionInfo("ValueError", "out of stock: \N{HOT BEVERAGE}")],
    rows=[
        wire.Row(7, 0, 0, 0, 1, 1, 0, 1_200_000, -1, -1, wire.OK | wire.RESENT),
        wire.Row(9, 7, 1, 1, 0, 0, 200, 500, 120_000, 800, wire.OK | wire.ERROR << 2 | wire.OK << 4 | 1 << 6, 1, 0),
        wire.Row(10, 9, 1, 1, 0, 0, -100, -1, -1, 250_000, wire.CANCELLED, 0, 1),
    ],
    dropped={"full": 2},
    final=True,
)


# What tracers may say since cancellers were added: a field of the batch, which older ones do not have.
WITH_CANCELLERS = replace(
    VERSION_1,
    exceptions=[*VERSION_1.exceptions, wire.ExceptionInfo("asyncio.exceptions.CancelledError", "")],
    cancellers=[wire.Canceller(2, 1, "", 2), wire.Canceller(1, 0, "timeout 0.5 s", 0)],
)


WITH_POOLS = replace(VERSION_1, pools=[wire.Pool(1, 2, 5, [1_500_000, 30_000_000]), wire.Pool(0, 0, None, [], True)])
WITH_RESPONSES = replace(VERSION_1, responses=[wire.Response(1, 200), wire.Response(0, 503)])
WITH_TRUTHS = replace(
    VERSION_1,
    sites=[*VERSION_1.sites, wire.Site("lib/pool.py", 7, "Pool._fill", "self._lock", internal=True)],
    tasks=[*VERSION_1.tasks, replace(VERSION_1.tasks[0], id=4, loop=1, thread="MainThread")],
    releases=[wire.Release(1, 2)],
    awaits=[wire.Await(1, 5_000_100_000, "Queue.join", 1, 2), wire.Await(0, 5_000_200_000, "")],
    stalls=[wire.Stall(1, "MainThread", 5_000_300_000, 250_000_000, True, 1, 2, ["parse (shop/db.py:12)"])],
    propagated=[0],
)
# What was added since has a file of its own. ``read`` has files as earlier tracers wrote them.
FORMS = [
    ("version_1", VERSION_1),
    ("version_1_cancellers", WITH_CANCELLERS),
    ("version_1_pools", WITH_POOLS),
    ("version_1_responses", WITH_RESPONSES),
    ("version_1_truths", WITH_TRUTHS),
]


def meaning(batch: wire.Batch) -> wire.Batch:
    """A batch without what its version decides: the order of its traces, which rows name by an index."""
    roots = [trace.root for trace in batch.traces]
    return replace(
        batch,
        version=1,
        rows=[(replace(row, trace=0), roots[row.trace]) for row in batch.rows],
        traces=sorted(batch.traces, key=lambda trace: trace.root),
    )
