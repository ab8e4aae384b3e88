"""Spans come from other clocks, and have no times but begin and end."""

from __future__ import annotations

import re

import pytest
from tests.server.support.collector import Collector
from tests.server.support.spans import CLIENT, SERVER, TRACE, give, group, span


async def test_a_clock_that_is_behind_puts_nothing_before_its_cause(collector: Collector) -> None:
    """What a called service does stands behind the call, with the durations that it told of."""
    await give(
        collector,
        group(
            "stock",
            span(2, "GET /stock", begin=2, end=4, kind=SERVER, parent=1),
            span(3, "SELECT", begin=3, end=3.5, kind=CLIENT, parent=2, db_system="mysql"),
        ),
        group("edge", span(1, "GET", begin=5, end=9, kind=CLIENT, peer_service="stock")),
    )
    diagram = await collector.answer(f"/api/diagram?format=mermaid&trace={TRACE.hex()}")
    assert [line.strip() for line in diagram.splitlines()[6:]] == [
        "p1->>+p2: GET()",
        "create participant p3 as stock",
        "p2-)p3: request",
        "participant p4 as Request GET /stock @ stock",
        "participant p5 as mysql @ stock",
        "p3->>+p4: request()",
        "p3->>+p5: SELECT()",
        "p5-->>-p3: done after 0.5 ms",
        "p4-->>-p3: done after 2 ms",
        "destroy p3",
        "p3--)p2: done",
        "p2-->>-p1: done after 4 ms",
    ]


async def test_clocks_that_are_behind_one_after_another(collector: Collector) -> None:
    """Each service that is called stands behind its caller, though by its own clock it came first."""
    for n, service in enumerate(("a", "b", "c", "d"), 1):
        begin = 10 - n
        serving = span(n * 2, "GET", begin=begin, end=begin + 0.5, kind=SERVER, parent=n * 2 - 1)
        calling = span(n * 2 + 1, "call", begin=begin + 0.1, end=begin + 0.2, kind=CLIENT, parent=n * 2)
        await give(collector, group(service, serving, calling))
    diagram = await collector.answer(f"/api/diagram?format=mermaid&trace={TRACE.hex()}")
    names = dict(re.findall(r"participant (p\d+) as (\w+)$", diagram, re.MULTILINE))
    called = re.findall(r"-\)(p\d+): request", diagram)
    assert [names[participant] for participant in called] == ["b", "c", "d"]
    assert diagram.index("participant p1 as a") < diagram.index("-)")


async def test_what_nobody_can_wait_for_has_no_waits(collector: Collector) -> None:
    """A span tells how long it lasted; percentiles of waits would all be 0."""
    await give(collector, group("shop", span(1, "SELECT", begin=1, end=5, kind=CLIENT, db_system="mysql")))
    (found,) = (await collector.answer("/api/resources"))["items"]
    assert found["wait_ms"] == {"p50": None, "p95": None, "p99": None}
    assert found["hold_ms"]["p50"] == pytest.approx(4, rel=0.03)
