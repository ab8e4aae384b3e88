"""The live feed is prompt and bounded."""

from __future__ import annotations

import asyncio
import time

import msgspec
from tests.server.support.batches import Program
from tests.server.support.collector import Collector
from tests.server.support.live_client import still, watching
from tests.support.waiting import until

from tenure_server.limits import MAX_MESSAGES_QUEUED, REDRAW_S
from tenure_server.live import messages
from tenure_server.model.lens import Lens


async def test_a_change_is_sent_within_a_tenth_of_a_second(collector: Collector) -> None:
    """Measured from before the POST, over a few; the best of them counts on a busy machine."""
    program = Program()
    took = []
    async with watching(collector) as client:
        await client.subscribe()
        await client.receive()
        for n in range(5):
            program.use("main", "Lock stock", acquire=n * 10, wait=1, hold=1, release=1)
            await asyncio.sleep(2 * REDRAW_S)  # the page stands still before each change
            began = time.perf_counter()
            await collector.post(program.batch())
            await client.receive()
            took.append(time.perf_counter() - began)
    assert min(took) < 0.1


async def test_many_changes_are_told_in_few_messages(collector: Collector) -> None:
    """Twenty messages a second at most, however many batches come; the last one leaves nothing out."""
    program = Program()
    messages_sent = 0
    async with watching(collector) as client:
        await client.subscribe()
        await client.receive()
        began = time.perf_counter()
        for n in range(150):
            program.use("main", f"Lock {n % 3}", acquire=n * 10, wait=1, hold=1, release=1)
            await collector.post(program.batch())
        expected = still((await collector.answer("/api/diagram"))["steps"])
        while still(client.steps) != expected:
            messages_sent += isinstance(await client.receive(), messages.Operations)
        took = time.perf_counter() - began
    assert 1 <= messages_sent <= took * 20 + 2


async def test_a_full_diagram_grows_at_its_end_before_its_beginning_is_cut_away(collector: Collector) -> None:
    """Few messages take something away; the diagram never has more than twice the limit, and says what is left out."""
    program = Program()
    cuts = 0
    async with watching(collector) as client:
        await client.subscribe(Lens(fold=False), limit=10)
        await client.receive()
        for n in range(40):
            program.use("main", "Lock stock", acquire=n * 10, wait=1, hold=1, release=1)
            await collector.post(program.batch())
            before = {step.id for step in client.steps}
            await client.receive()
            cuts += not before <= {step.id for step in client.steps}
            shown = sum(step.id.endswith(":acquire") for step in client.steps)
            assert shown <= 20
            assert shown + client.earlier == n + 1
    assert 1 <= cuts <= 4


async def test_a_client_that_does_not_read_gets_a_gap_and_then_the_whole_diagram(collector: Collector) -> None:
    """What waits for it is bounded; when it reads again it has everything at once."""
    program = Program()
    long = "x" * 4_000
    async with watching(collector) as client:
        await client.subscribe(Lens(fold=False))
        await client.receive()
        await client.overview()  # else it might be among what waits
        (feed_client,) = collector.feed._clients
        messages_sent = [messages.Problem(long)] * (MAX_MESSAGES_QUEUED + 5)
        for message in messages_sent:  # as if that many messages had come while it was not reading
            feed_client.mailbox.put(msgspec.json.encode(message).decode())
        program.use("main", "Lock stock", acquire=0)
        await collector.post(program.batch())
        received = [await client.receive() for _ in range(MAX_MESSAGES_QUEUED + 2)]
        assert received[:MAX_MESSAGES_QUEUED] == messages_sent[:MAX_MESSAGES_QUEUED]
        assert received[MAX_MESSAGES_QUEUED] == messages.Gap(5)
        assert isinstance(received[MAX_MESSAGES_QUEUED + 1], messages.Page)
        await client.until(collector)


async def test_what_nobody_watches_is_not_drawn(collector: Collector) -> None:
    """When the last client has gone, so have its diagram and the reading of the overview."""
    async with watching(collector) as client:
        await client.subscribe()
        await client.receive()
        assert len(collector.feed._live_diagrams) == 1
    await until(lambda: not collector.feed.clients)
    assert (collector.feed._live_diagrams, collector.feed._overview_task) == ({}, None)


async def test_clients_of_the_same_lens_share_its_diagram(collector: Collector) -> None:
    """It is drawn once, and each is sent the same messages."""
    program = Program()
    async with watching(collector) as one, watching(collector) as two:
        for client in (one, two):
            await client.subscribe()
            await client.receive()
        assert len(collector.feed._live_diagrams) == 1
        program.use("main", "Lock stock", acquire=0)
        await collector.post(program.batch())
        assert await one.receive() == await two.receive()
