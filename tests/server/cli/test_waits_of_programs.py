"""Recorded programs as they are drawn: bars are holds, and each wait names whom it is for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.golden.diagram.rules import Reader

from tenure_server.diagram.steps import Activate, Begin, Declare, Note, Step
from tenure_server.model.lens import Lens
from tenure_server.offline.sources import open_source

POOL = """
import asyncio
from collections import deque
from contextlib import asynccontextmanager

class Pool:
    def __init__(self, size, connect_s):
        self.size, self.connect_s, self.free, self.connections, self.queue = size, connect_s, size, 0, deque()

    @asynccontextmanager
    async def acquire(self):
        if self.free:
            self.free -= 1
        else:
            turn = asyncio.get_running_loop().create_future()
            self.queue.append(turn)
            await turn
        if self.connections < self.size:
            self.connections += 1
            await asyncio.sleep(self.connect_s)
        try:
            yield
        finally:
            while self.queue and self.queue[0].done():
                self.queue.popleft()
            if self.queue:
                self.queue.popleft().set_result(None)
            else:
                self.free += 1
"""
NESTED = """
pool = Pool(3, 0.02)

async def report(number):
    async with pool.acquire():
        await asyncio.sleep(0.05)
        async with asyncio.timeout(0.2):
            async with pool.acquire():
                pass

async def main():
    await asyncio.gather(*(report(n) for n in range(5)), return_exceptions=True)
"""
SEMAPHORE = """
async def work(number, semaphore):
    async with semaphore:
        await asyncio.sleep(0.02 + number / 1000)

async def main():
    semaphore = asyncio.Semaphore(3)
    await asyncio.gather(*(work(n, semaphore) for n in range(5)))
"""
CANCELLED_HOLDER = """
async def hold(lock):
    async with lock:
        await asyncio.sleep(5)

async def wait(lock):
    async with lock:
        pass

async def main():
    lock = asyncio.Lock()
    holder = asyncio.create_task(hold(lock), name="holder")
    await asyncio.sleep(0.01)
    waiter = asyncio.create_task(wait(lock), name="waiter")
    await asyncio.sleep(0.02)
    holder.cancel()
    await waiter
"""
FOLD = """
pool = Pool(108, 0.02)

async def worker():
    async with pool.acquire():
        await asyncio.sleep(0.05)

async def main():
    async with asyncio.TaskGroup() as group:
        for _ in range(122):
            group.create_task(worker())
"""


def _steps(folder: Path, program: str, *, fold: bool = False) -> list[Step]:
    """The diagram of the program, as a run of it is recorded."""
    script = folder / "program.py"
    script.write_text(f"{POOL}\n{program}\nasyncio.run(main())\n", encoding="utf-8")
    run = [sys.executable, "-m", "tenure", "run", "-o", "run.json", script.name]
    subprocess.run(run, cwd=folder, check=True, capture_output=True, timeout=60)
    with open_source(str(folder / "run.json"), print) as source:
        return source.diagram(Lens(fold=fold), 1_000).steps


def _waits(steps: list[Step]) -> list[str]:
    return [step.text for step in steps if isinstance(step, Note) and step.kind == "wait"]


def _most_bars(steps: list[Step], label: str) -> int:
    """How many bars the resource has at most at once."""
    (column,) = (step.participant.id for step in steps if isinstance(step, Declare) and step.participant.label == label)
    assert Reader().read(steps).active == []
    begun = [number for number, step in enumerate(steps, 1) if isinstance(step, Activate)]
    return max(Reader().read(steps[:number]).active.count(column) for number in begun)


def test_a_pool_that_is_acquired_twice_by_each_task(tmp_path: Path) -> None:
    """Three bars; those who came while it connected say so, those who want a second connection name a holder."""
    steps = _steps(tmp_path, NESTED)
    assert _most_bars(steps, "Pool (3)") == 3
    waits = _waits(steps)
    assert sum("and 2 more, connecting at first" in text for text in waits) == 2
    assert len(waits) >= 5
    assert all(re.match(r"waits for (report-\d|itself) \(program\.py:\d+\) and 2 more", text) for text in waits)


def test_a_semaphore_with_more_tasks_than_places(tmp_path: Path) -> None:
    """The two that wait count all three holders, and each says who let it in."""
    steps = _steps(tmp_path, SEMAPHORE)
    assert _most_bars(steps, "Semaphore (3)") == 3
    first, second = _waits(steps)
    assert "and 2 more" in first
    assert "until " not in first
    assert "and 2 more, 1 ahead" in second
    assert second.endswith(" released")


def test_a_lock_whose_holder_is_cancelled(tmp_path: Path) -> None:
    """Its waiter waited for it until then."""
    (wait,) = _waits(_steps(tmp_path, CANCELLED_HOLDER))
    assert re.fullmatch(r"waits for holder \(program\.py:\d+\) \d+ ms", wait)


def test_a_hundred_tasks_that_fold(tmp_path: Path) -> None:
    """14 of 122 wait, though nobody held the pool when they came."""
    steps = _steps(tmp_path, FOLD, fold=True)
    assert [step.label.partition(" (")[0] for step in steps if isinstance(step, Begin)] == ["122 x worker"]
    (wait,) = _waits(steps)
    assert wait.startswith("14 of 122 wait ")
