"""aiologic: its locks by statement, and its conditions, which are not recorded."""

import asyncio

import aiologic
import pytest


async def hold(manager):
    async with manager:
        pass


async def consumer(ready):
    async with ready:
        await ready


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (aiologic.Lock, "aiologic.Lock manager (1)"),
        (aiologic.RLock, "aiologic.RLock manager"),
        (lambda: aiologic.Semaphore(3), "aiologic.Semaphore manager (3)"),
        (lambda: aiologic.BoundedSemaphore(2), "aiologic.Semaphore manager (2)"),
        (lambda: aiologic.CapacityLimiter(2), "aiologic.CapacityLimiter manager (2)"),
        (lambda: aiologic.RCapacityLimiter(2), "aiologic.RCapacityLimiter manager"),
    ],
)
def test_each_kind_tells_its_capacity(recorder, written, make, line):
    """What one task may hold several times has none."""

    async def main():
        await written(hold)(make())

    assert recorder.run(main()) == [f"main: {line}, ok ok ok"]


def test_who_waits_for_a_condition_is_no_holder(recorder, written):
    """Its lock would be held by several at once."""

    async def main():
        ready = aiologic.Condition()
        tasks = [asyncio.create_task(written(consumer)(ready)) for _ in range(2)]
        await asyncio.sleep(0.001)
        seen.extend(recorder.lines())
        async with ready:
            ready.notify_all()
        await asyncio.gather(*tasks)

    seen = []
    assert recorder.run(main()) == []
    assert seen == []
