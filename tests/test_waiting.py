"""The helper that tests wait with."""

import asyncio

import pytest
from tests.support.waiting import until, until_blocking


async def test_a_condition_may_be_a_value_or_a_coroutine():
    """Its first true value is returned, once other tasks have brought it about."""
    values = []
    asyncio.get_running_loop().call_later(0.01, values.append, "value")

    async def last() -> str:
        return values[-1] if values else ""

    assert await until(lambda: values) == ["value"]
    assert await until(last) == "value"


async def test_what_a_task_of_the_loop_brings_about_costs_no_time():
    """The first looks have a turn of the loop between them, and no pause."""
    loop = asyncio.get_running_loop()
    turns = []

    async def take_turns():
        for number in range(10):
            turns.append(number)
            await asyncio.sleep(0)

    task = asyncio.create_task(take_turns())
    call_later, loop.call_later = loop.call_later, None
    try:
        await until(lambda: len(turns) == 10)
    finally:
        loop.call_later = call_later
    await task


async def test_the_wait_is_bounded_and_says_what_it_saw():
    """With an event loop and without."""
    with pytest.raises(TimeoutError, match=r"after 0\.02 s the condition is still \[\]"):
        await until(list, 0.02)
    with pytest.raises(TimeoutError, match=r"after 0\.02 s the condition is still 0"):
        until_blocking(lambda: 0, 0.02)


def test_what_another_thread_brings_about_is_seen():
    """Without an event loop."""
    looks = iter([0, 0, 3])
    assert until_blocking(lambda: next(looks)) == 3
