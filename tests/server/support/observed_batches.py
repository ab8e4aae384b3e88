"""Batches that say what tasks await, and which loops stood still."""

from __future__ import annotations

import msgspec
from tests.server.support.batches import OFFSET_NS, Program, at

from tenure import wire

SITE = wire.Site("shop.py", 71, "producer", "queue.join()")


def monotonic(ms: float) -> int:
    return at(ms) - OFFSET_NS


def batch(
    program: Program,
    *awaits: tuple[str, float, str],
    resource: str = "",
    stalls: tuple[tuple[float, float, bool], ...] = (),
) -> wire.Batch:
    """With these awaits (task, since, awaited), and stalls of loop 1 (begin, duration, is over)."""
    for name, *_ in awaits:
        if name not in program.tasks:
            program.task(name)
    made = program.batch()
    tasks, sites = list(program.tasks), [*made.sites, SITE]
    number = list(program.resources).index(resource) + 1 if resource else 0
    return msgspec.structs.replace(
        made,
        sites=sites,
        awaits=[
            wire.Await(tasks.index(name), monotonic(since), awaited, len(sites) if awaited else 0, number)
            for name, since, awaited in awaits
        ],
        stalls=[
            wire.Stall(
                1, "MainThread", monotonic(begin), round(duration * 1e6), over, 1, len(sites), ["join (shop.py:71)"]
            )
            for begin, duration, over in stalls
        ],
    )  # fmt: skip
