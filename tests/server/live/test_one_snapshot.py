"""A live page's table, title and diagram are of one state of the store, with the true number of what is open."""

from __future__ import annotations

import asyncio

from tests.server.support.batches import Program
from tests.server.support.collector import Collector
from tests.server.support.live_client import Client, watching
from tests.server.support.traffic import POOL, Traffic

from tenure_server.diagram.steps import Note
from tenure_server.live import messages
from tenure_server.model.diagram_input import OpenCounts
from tenure_server.model.lens import Lens

SAMPLES = 100


def _check(client: Client) -> None:
    """What the title counts is what the table has, and what the diagram draws."""
    overview = client.shown_overview
    assert overview is not None
    held = sum(resource.held + resource.releasing for resource in overview.resources)
    waiting = sum(resource.acquiring for resource in overview.resources)
    assert (client.open.held, client.open.waiting) == (held, waiting)
    rows = {use.lifecycle for resource in overview.resources for use in (*resource.holders, *resource.waiters)}
    waiters = {use.lifecycle for resource in overview.resources for use in resource.waiters}
    drawn = {step.lifecycle: step for step in client.steps if isinstance(step, Note) and step.kind == "open"}
    assert drawn.keys() == rows
    assert {lifecycle for lifecycle, step in drawn.items() if (step.lead or "").startswith("still waiting")} == waiters
    assert client.open.drawn == len(drawn) == held + waiting


async def test_table_title_and_diagram_never_contradict_each_other(collector: Collector) -> None:
    """After each of a hundred messages of a page, while batches come faster than it is drawn."""
    program = Program()
    traffic = Traffic(program, seed=7)
    is_over = False

    async def run() -> None:
        while not is_over:
            traffic.step()
            await collector.post(program.batch())
            await asyncio.sleep(0.003)

    running = asyncio.create_task(run())
    changes = 0
    try:
        async with watching(collector) as client:
            await client.subscribe(Lens(tasks="coroutine"), limit=50)
            for _ in range(SAMPLES):
                message = await client.receive()
                assert isinstance(message, messages.Page | messages.Operations)
                if client.overviews and client.overviews[-1].with_diagram:
                    assert client.overviews.pop().now_ns == message.now_ns
                    changes += 1
                _check(client)
    finally:
        is_over = True
        await running
    assert changes > SAMPLES / 2


async def test_a_page_says_how_many_of_the_open_ones_it_draws(collector: Collector) -> None:
    """823 are open, and a page of 500 lifecycles draws 500 of them: all counts are of the 823."""
    program = Program()
    program.resource(POOL, capacity=400, stereotype="database")
    for n in range(823):
        program.use(f"worker-{n}", POOL, acquire=n / 10, wait=0.01 if n < 400 else None)
    await collector.post(program.batch())
    async with watching(collector) as client:
        await client.subscribe(limit=500)
        await client.receive()
    assert (client.open.held, client.open.waiting) == (400, 423)
    assert client.open.drawn == sum(isinstance(step, Note) and step.kind == "open" for step in client.steps) == 500
    assert client.shown_overview is not None
    (pool,) = client.shown_overview.resources
    assert (pool.held, pool.acquiring, len(pool.holders)) == (400, 423, 400)
    share = next(step for step in client.steps if isinstance(step, Note) and step.kind == "cut")
    assert share.text == "500 of 823 open lifecycles are drawn"
    answer = await collector.answer("/api/diagram?limit=300")
    assert answer["open"] == {"held": 400, "waiting": 423, "drawn": 300}
    _, text = await collector.get("/api/diagram?limit=150&format=mermaid&tasks=coroutine")
    assert "150 of 823 open lifecycles are drawn" in text.replace("<br/>", " ")


async def test_an_older_subject_is_in_the_lists_of_its_page(collector: Collector) -> None:
    """A trace and a resource that are not among the newest hundred have their state all the same."""
    program = Program()
    for n in range(150):
        program.use("main", f"Lock {n}", acquire=n * 10, wait=1, hold=1, release=1)
    await collector.post(program.batch())
    async with watching(collector) as client:
        await client.subscribe(Lens(trace=program.trace_id(1)))
        await client.receive()
        assert client.shown_overview is not None
        assert client.shown_overview.traces[-1].id == program.trace_id(1)
        await client.subscribe(Lens(resource=program.id(1)))
        await client.receive()
        assert client.shown_overview is not None
        assert client.shown_overview.resources[-1].name == "0"


async def test_more_resources_in_use_than_are_listed(collector: Collector) -> None:
    """A page lists a hundred resources, what is waited for first; that 131 are in use is said."""
    program = Program()
    program.use("first", "Lock stock", acquire=0, wait=0.01)
    program.use("second", "Lock stock", acquire=1)
    for n in range(130):
        program.use(f"worker-{n}", f"Lock {n}", acquire=n, wait=0.01)
    await collector.post(program.batch())
    async with watching(collector) as client:
        await client.subscribe()
        await client.receive()
    assert client.shown_overview is not None
    assert (len(client.shown_overview.resources), client.shown_overview.in_use) == (100, 131)
    assert client.open == OpenCounts(held=131, waiting=1, drawn=132)
    assert client.shown_overview.resources[0].name == "stock"
