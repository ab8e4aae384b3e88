"""Spans of other services and lifecycles of a tracer in one trace."""

from __future__ import annotations

from tests.server.support.batches import Program
from tests.server.support.collector import Collector
from tests.server.support.spans import (
    CLIENT,
    SERVER,
    TRACE,
    give,
    group,
    span,
)
from tests.server.support.store_queries import everything

from tenure import wire


async def test_a_tracer_between_two_plain_services(collector: Collector) -> None:
    """A lifecycle hangs under the span that was active, and a span under the lifecycle that was its parent."""
    program = Program()
    use = program.use("handle-1", "Lock stock", acquire=5, wait=1, hold=10, release=1)
    program.traces[use.id] = wire.Trace(use.id, 0, TRACE, (1).to_bytes(8, "big"))
    await collector.post(program.batch())
    ours = bytes.fromhex(wire.span_id(program.process.id, use.id))
    await give(collector, group("stock", span(2, "GET /stock", begin=8, end=9, kind=SERVER, parent=ours)))
    await give(collector, group("edge", span(1, "GET", begin=4, end=20, kind=CLIENT, peer_service="shop")))

    found = {item["service"]: item for item in (await collector.answer("/api/lifecycles"))["items"]}
    assert {service: item["parent"] for service, item in found.items()} == {
        "edge": None, "shop": found["edge"]["id"], "stock": found["shop"]["id"],
    }  # fmt: skip
    assert (
        await collector.answer(f"/api/diagram?format=mermaid&trace={TRACE.hex()}")
        == """\
---
title: "edge, shop #4001, stock, 2023-11-14 22:13:20 UTC"
---
sequenceDiagram
    participant p1 as edge
    participant p2 as client shop @ edge
    p1->>+p2: GET()
    create participant p3 as handle-1 @ shop #35;4001
    p2-)p3: request
    participant p4 as Lock stock @ shop #35;4001
    p3->>+p4: __aenter__()
    p4-->>p3: acquired after 1 ms
    create participant p5 as stock
    p4-)p5: request
    participant p6 as Request GET /stock @ stock
    p5->>+p6: request()
    p6-->>-p5: done after 1 ms
    destroy p5
    p5--)p4: done after 1 ms
    p3->>p4: __aexit__()
    p4-->>-p3: released after 1 ms
    p2-->>-p1: done after 16 ms
"""
    )


async def test_what_we_exported_ourselves_is_not_stored_twice(collector: Collector) -> None:
    """A collector that is its own backend, by mistake or through another one, gets its lifecycles back as spans."""
    program = Program()
    use = program.use("main", "Lock stock", acquire=5, wait=1, hold=10, release=1)
    await collector.post(program.batch())
    before = await everything(collector.store)
    back = span(1, "Lock stock", begin=5, end=17)
    back.span_id = bytes.fromhex(wire.span_id(program.process.id, use.id))
    back.trace_id = bytes.fromhex(program.trace_id(use.id))
    facts = {"service_instance_id": program.hex}
    await give(collector, group("shop", back, scope="tenure", **facts))
    after = await everything(collector.store)
    assert after[1:] == before[1:]

    stranger = span(2, "Lock other", begin=6, end=7)
    await give(collector, group("shop", stranger, scope="tenure", **facts))
    assert len((await collector.answer("/api/lifecycles"))["items"]) == 2
