"""What a recording says of tasks that wait and of loops that stand still: programs run as a person runs them."""

from pathlib import Path

import pytest
from tests.tracer.support import programs

from tenure import wire

DEAD_WORKER = """
import asyncio, sys

async def handle(item, gate):
    async with gate:
        if item == 1:
            raise asyncio.CancelledError

async def worker(queue, gate):
    while True:
        await handle(await queue.get(), gate)
        queue.task_done()

async def main():
    queue, gate = asyncio.Queue(), asyncio.Semaphore(2)
    running = asyncio.create_task(worker(queue, gate), name="worker")
    for item in range(3):
        queue.put_nowait(item)
    try:
        await asyncio.wait_for(queue.join(), 0.8)
    except TimeoutError:
        print("nobody answers")

asyncio.run(main())
"""
LOCK_OF_A_THREAD = """
import asyncio, threading

class Tools:
    def __init__(self):
        self.lock = threading.Lock()
    async def call(self, name):
        with self.lock:
            await asyncio.sleep(0.05)

async def main():
    tools = Tools()
    await asyncio.sleep(0.3)  # the shipping thread has begun by then
    first = asyncio.create_task(tools.call("a"), name="a")
    await asyncio.sleep(0)
    threading.Timer(0.5, tools.lock.release).start()
    await asyncio.gather(first, asyncio.create_task(tools.call("b"), name="b"), return_exceptions=True)

asyncio.run(main())
"""
FIRST_CALLS = """
import asyncio

def make(count):
    body = "\\n".join(f"        x{i} = {i} + len(str({i}))" for i in range(count))
    names = {}
    exec(f"async def f(lock):\\n    if len(''):\\n{body}\\n    await lock.acquire()\\n    lock.release()\\n", names)
    return names["f"]

async def main():
    lock = asyncio.Lock()
    for function in functions:
        await function(lock)

functions = [make(count) for count in (10, 300, 1000, 3000)]
asyncio.run(main())
"""


@pytest.fixture
def batches(tmp_path: Path, request: pytest.FixtureRequest) -> list[wire.Batch]:
    programs.write(tmp_path, app=request.param)
    done = programs.tenure(tmp_path, "run", "-o", "out.json", "app.py")
    assert (done.status, done.stderr) == (0, "")
    return programs.recorded(tmp_path / "out.json")


@pytest.mark.parametrize("batches", [DEAD_WORKER], indirect=True)
def test_nobody_is_left_who_could_answer(batches: list[wire.Batch]) -> None:
    """The task that waits in ``join`` is told with its line."""
    told = [
        (batch.sites[entry.site - 1].line, batch.sites[entry.site - 1].expression)
        for batch in batches
        for entry in batch.awaits
        if entry.site and entry.awaited == "Queue.join"
    ]
    assert set(told) == {(20, "queue.join()")}  # until 3.11 also for the task that ``wait_for`` makes
    assert not any(batch.stalls for batch in batches)


@pytest.mark.parametrize("batches", [LOCK_OF_A_THREAD], indirect=True)
def test_the_loop_waits_for_a_lock_of_a_thread(batches: list[wire.Batch]) -> None:
    stalls = [(batch, stall) for batch in batches for stall in batch.stalls]
    batch, stall = stalls[-1]
    assert len({(stall.loop, stall.begin_ns) for _, stall in stalls}) == 1
    assert (stall.is_over, stall.thread, batch.tasks[stall.task - 1].name) == (True, "MainThread", "b")
    assert 200_000_000 < stall.duration_ns < 800_000_000
    assert batch.sites[stall.site - 1].line == 8
    assert stall.stack[0].startswith("Tools.call (")
    assert stall.stack[0].endswith("app.py:8)")


@pytest.mark.parametrize("batches", [FIRST_CALLS], indirect=True)
def test_the_first_call_of_a_site_stalls_nothing(batches: list[wire.Batch]) -> None:
    assert sum(len(batch.rows) for batch in batches) == 4
    assert not any(batch.stalls for batch in batches)
