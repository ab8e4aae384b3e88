"""Closed live connections leave nothing behind."""

from __future__ import annotations

import asyncio
from types import CoroutineType

import pytest
from tests.server.support.batches import Program
from tests.server.support.collector import Clock, Collector
from tests.server.support.live_client import watching
from tests.support.waiting import until

from tenure_server.hub import Hub, Mailbox
from tenure_server.live.live_diagram import LiveDiagram
from tenure_server.live.overview import OverviewLoop
from tenure_server.model.lens import Lens
from tenure_server.store.sqlite import SqliteStore

VISITS = 200
AT_ONCE = 10
WINDOW_S = 1.5


async def test_two_hundred_visits_leave_no_task_and_an_idle_loop(collector: Collector) -> None:
    """After the last page is closed the collector has the tasks, and the callbacks, of one that nobody visited."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1)
    await collector.post(program.batch())
    fresh_tasks, fresh_callbacks = asyncio.all_tasks(), await _callbacks_in_a_window()
    for start in range(0, VISITS, AT_ONCE):
        async with asyncio.TaskGroup() as visits:
            for number in range(start, start + AT_ONCE):
                visits.create_task(_visit(collector, program, number))

    assert not collector.feed.clients
    await until(lambda: not asyncio.all_tasks() - fresh_tasks - _connections(), 20)
    assert await _callbacks_in_a_window() <= fresh_callbacks + 20


@pytest.mark.parametrize("turns", range(8))
async def test_a_diagram_and_an_overview_end_when_they_are_cancelled_as_a_batch_comes(
    store: SqliteStore, clock: Clock, turns: int
) -> None:
    """However many turns of the loop lie between the two, also with something open, which bounds the wait."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1)
    await store.write(program.batch())
    hub = Hub()
    live_diagram = LiveDiagram(Lens(), 10, store, hub, clock, exporters=list)
    overview = OverviewLoop(store, hub, clock, list)
    overview.join(Mailbox(10))
    for run in (live_diagram.run, overview.run):
        task = asyncio.create_task(run())
        await until(lambda: any(_is_taking(task) for task in asyncio.all_tasks()))
        hub.publish(program.batch())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=5)
        task.cancel()
        assert done == {task}


def _is_taking(task: asyncio.Task[object]) -> bool:
    """Whether the task stands in Mailbox.take."""
    awaited: object = task.get_coro()
    while isinstance(awaited, CoroutineType):
        if awaited.cr_code is Mailbox.take.__code__:
            return True
        awaited = awaited.cr_await
    return False


async def _visit(collector: Collector, program: Program, number: int) -> None:
    """Look at a diagram of one's own, and go just as a batch comes: one visit some turns earlier, another later."""

    async def leave() -> None:
        for _ in range(number // AT_ONCE * 2):
            await asyncio.sleep(0)
        collector.feed.disconnect(connected)

    async with watching(collector) as client:
        await client.subscribe(limit=10 + number)
        await client.receive()
        connected = next(
            each for each in collector.feed._clients if each.live_diagram and each.live_diagram.limit == 10 + number
        )
        program.use("main", "Lock stock", acquire=number, wait=1)
        await asyncio.gather(collector.post(program.batch()), leave())


def _connections() -> set[asyncio.Task[object]]:
    """The tasks of aiohttp's that wait for a next request on a connection kept open."""
    return {task for task in asyncio.all_tasks() if "RequestHandler.start" in repr(task.get_coro())}


async def _callbacks_in_a_window() -> int:
    """How often anything is put into the event loop within WINDOW_S, this function's own sleep left out."""
    loop = asyncio.get_running_loop()
    counted = 0
    call_soon, call_at = loop.call_soon, loop.call_at

    def count(call):  # type: ignore[no-untyped-def]
        def counting(*arguments, **named):  # type: ignore[no-untyped-def]
            nonlocal counted
            counted += 1
            return call(*arguments, **named)

        return counting

    loop.call_soon, loop.call_at = count(call_soon), count(call_at)  # type: ignore[method-assign]
    try:
        await asyncio.sleep(WINDOW_S)
    finally:
        del loop.call_soon, loop.call_at
    return counted
