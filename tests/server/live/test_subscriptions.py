"""The live feed: the answer to a subscription, and the messages after it."""

from __future__ import annotations

import json

import msgspec
import pytest
from tests.server.support.batches import OK, Program, at
from tests.server.support.collector import Clock, Collector, collecting
from tests.server.support.live_client import watching

from tenure_server.diagram import draw
from tenure_server.live import messages
from tenure_server.model.diagram_input import OpenCounts
from tenure_server.model.lens import Lens


async def test_a_subscription_is_answered_by_the_page_as_it_stands(collector: Collector) -> None:
    """The lens comes back with it, so that a client knows of which subscription it is."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1)
    await collector.post(program.batch())
    lens = Lens(trace=program.trace_id(1))

    async with watching(collector) as client:
        await client.subscribe(lens, limit=10)
        page = await client.receive()

    scene = await collector.store.diagram_input(lens, 10)
    assert page == messages.Page(
        token=client.token,
        lens=lens,
        now_ns=at(1_000),
        steps=draw(scene.lifecycles, scene.tasks, lens, at(1_000), scene.context),
        earlier=0,
        open=OpenCounts(held=1, drawn=1),
    )


async def test_what_happens_reaches_the_client_as_operations(collector: Collector) -> None:
    """From acquire to release, and an overview beside it; the diagram stays equal to the one the API draws."""
    program = Program()
    async with watching(collector) as client:
        await client.subscribe()
        assert await client.receive() == messages.Page(client.token, Lens(), at(1_000), client.steps, 0, OpenCounts())
        use = program.use("main", "Lock stock", acquire=0)
        for phase in ({}, {"wait": 10}, {"hold": 20}, {"release": 1}):
            program.go_on(use, **phase)
            await collector.post(program.batch())
            assert isinstance(await client.receive(), messages.Operations)
            await client.until(collector)
        program.task("main", finished=100, outcome=OK)
        await collector.post(program.batch(final=True))
        await client.until(collector)


async def test_a_client_that_comes_back_with_its_token_is_only_told_that_it_is_current(clock: Clock) -> None:
    """Also from a collector that was restarted over the same store; when something has happened it gets a page."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1)
    async with collecting(clock=clock) as collector:
        await collector.post(program.batch())
        async with watching(collector) as client:
            await client.subscribe()
            await client.receive()
            token = client.token
        async with watching(collector) as client:
            await client.subscribe(resume=token)
            assert await client.receive() == messages.Current(token, at(1_000))
            await client.subscribe(Lens(process=program.hex), resume=token)
            assert isinstance(await client.receive(), messages.Page)
        program.use("main", "Lock stock", acquire=5)
        await collector.post(program.batch())
        async with watching(collector) as client:
            await client.subscribe(resume=token)
            assert isinstance(await client.receive(), messages.Page)


async def test_a_second_subscription_replaces_the_first(collector: Collector) -> None:
    """Nothing of the first is sent after the page of the second."""
    one, two = Program(1), Program(2)
    for program in (one, two):
        program.use("main", "Lock stock", acquire=0, wait=1)
        await collector.post(program.batch())
    async with watching(collector) as client:
        await client.subscribe(Lens(process=one.hex))
        assert isinstance(await client.receive(), messages.Page)
        await client.subscribe(Lens(process=two.hex))
        page = await client.receive()
        assert isinstance(page, messages.Page)
        assert page.lens == Lens(process=two.hex)
        one.use("main", "Lock stock", acquire=5)
        await collector.post(one.batch())
        two.use("main", "Lock stock", acquire=6)
        await collector.post(two.batch())
        operations = await client.receive()
        assert isinstance(operations, messages.Operations)
        assert one.hex not in msgspec.json.encode(operations).decode()


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        ("garbage", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"type": "unsubscribe"}', "Invalid value 'unsubscribe'"),
        ('{"type": "subscribe"}', "missing required field `lens`"),
        ('{"type": "subscribe", "lens": {"fold": "yes"}}', "`$.lens.fold`"),
        ('{"type": "subscribe", "lens": {}, "limit": 0}', "invalid limit 0 (give 1 to 20000)"),
        ('{"type": "subscribe", "lens": {}, "limit": 20001}', "invalid limit 20001"),
        ('{"type": "subscribe", "lens": {"task": "a", "trace": "b"}}', "only one subject"),
        ('{"type": "subscribe", "lens": {"trace": "nobody"}}', "no trace 'nobody' is stored"),
        ('{"type": "subscribe", "lens": {"since_ns": -5}}', "since_ns"),
        ("[" * 50_000, "cannot be read"),
    ],
)
async def test_a_message_that_cannot_be_followed_is_answered_and_the_connection_goes_on(
    collector: Collector, sent: str, detail: str
) -> None:
    """The client is told why, and may try again."""
    async with watching(collector) as client:
        await client.send(sent)
        answer = await client.receive()
        assert isinstance(answer, messages.Problem)
        assert detail in answer.detail
        await client.subscribe()
        assert isinstance(await client.receive(), messages.Page)


async def test_a_process_that_dies_in_silence_is_shown_so(collector: Collector) -> None:
    """No batch tells of it: the diagram and the overview are read again as time passes."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1)
    await collector.post(program.batch())
    async with watching(collector) as client:
        await client.subscribe()
        await client.receive()
        assert (await client.overview()).processes[0].alive
        collector.clock.set(20_000)
        await client.receive()
        assert "abandoned" in json.dumps(msgspec.to_builtins(client.steps))
        while (await client.overview()).processes[0].alive:
            pass


async def test_the_overview_tells_what_there_is_and_who_holds_it(collector: Collector) -> None:
    """It comes at once, and again when something has changed."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1)
    async with watching(collector) as client:
        assert await client.overview() == messages.Overview(at(1_000), [], [], [])
        await collector.post(program.batch())
        overview = await client.overview()
    assert msgspec.to_builtins(overview) == {
        "type": "overview",
        "now_ns": at(1_000),
        "processes": (await collector.answer("/api/processes"))["items"],
        "traces": (await collector.answer("/api/traces"))["items"],
        "resources": (await collector.answer("/api/resources"))["items"],
        "exporters": (await collector.answer("/api/exporters"))["items"],
        "with_diagram": False,
        "in_use": None,
    }
