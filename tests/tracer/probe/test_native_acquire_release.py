"""Calls under the native probe: ``acquire()`` and ``release()`` by hand add no frame."""

import asyncio
import inspect
import types

import pytest
from tests.tracer.support.coroutine_driver import Connection, chain, finish

from tenure import testing
from tenure.adapters._kit import acquire_release

LOCKS = (asyncio.Lock, lambda: asyncio.Semaphore(1), lambda: asyncio.BoundedSemaphore(1), asyncio.Condition)


@pytest.mark.parametrize("make", LOCKS)
async def test_the_chain_of_awaits_of_an_acquire_is_the_programs(make) -> None:
    """Who looks at a task that waits for a lock sees the coroutines that it would see untraced, and no other."""

    async def waits(lock):
        await lock.acquire()

    async def looks():
        lock = make()
        await lock.acquire()
        acquiring = lock.acquire()
        waiting, itself = asyncio.create_task(waits(lock)), asyncio.create_task(acquiring)
        await asyncio.sleep(0)
        seen = [chain(waiting.get_coro()), chain(itself.get_coro())]
        seen += [[(frame.f_code, frame.f_lineno) for frame in task.get_stack()] for task in (waiting, itself)]
        seen += [isinstance(acquiring, types.CoroutineType), inspect.getcoroutinestate(acquiring), acquiring.cr_code]
        for task in (waiting, itself):
            task.cancel()
        await asyncio.wait([waiting, itself])
        return seen

    plain = await looks()
    with testing.recorder() as recorder:
        assert await looks() == plain
        held = [seen.outcomes for seen in recorder.lifecycles()]
    assert held == ["ok - -", "cancelled - -", "cancelled - -"]


def test_an_acquire_that_was_thrown_away_is_cancelled_and_one_never_awaited_is_nothing(recorder) -> None:
    """Whether it waited or never ran: nothing stays half open, and the warning is the coroutine's own."""

    async def main():
        lock = asyncio.Lock()
        await lock.acquire()
        waiting = lock.acquire()
        waiting.send(None)
        del waiting
        with pytest.warns(RuntimeWarning, match=r"coroutine 'Lock.acquire' was never awaited"):
            lock.acquire()
        lock.release()

    assert [line.rpartition(", ")[2] for line in recorder.run(main())] == ["ok ok ok", "cancelled(GeneratorExit)"]


def test_wrong_arguments_are_refused_where_they_are_given(recorder) -> None:
    """By the call, not when it is awaited, in the function's own words."""
    with pytest.raises(TypeError, match=r"^Lock.acquire\(\) got an unexpected keyword argument 'unknown'$"):
        asyncio.Lock().acquire(unknown=2)
    assert recorder.lifecycles() == []


class Desk:
    """Hands out keys, which are given back by a coroutine function that is told which."""

    def __init__(self):
        self.back = []

    async def acquire(self):
        await asyncio.sleep(0)
        return Key()

    async def release(self, key):
        await asyncio.sleep(0)
        self.back.append(key)

    def drop(self, key):
        return asyncio.ensure_future(self.release(key))


class Key:
    """Is the token."""


@pytest.mark.parametrize("release", ["release", "drop"])
def test_a_release_that_is_awaited_adds_no_frame(recorder, release) -> None:
    """Be it a coroutine or a future: it is that object to whoever looks, and awaiting it ends the lifecycle."""

    async def main():
        desk = Desk()
        first, second = await desk.acquire(), await desk.acquire()
        for key in (second, first):
            releasing = getattr(desk, release)(key)
            looks = inspect.iscoroutine(releasing), asyncio.isfuture(releasing)
            await releasing
        return looks, desk.back == [second, first]

    acquire_release.patch_calls(Desk, "acquire", release, by_result=True)
    assert asyncio.run(main()) == ((release == "release", release == "drop"), True)
    assert recorder.lines() == [f"main: {__name__}.Desk desk, ok ok ok"] * 2


def test_a_release_that_is_never_awaited_leaves_its_lifecycle_open(recorder) -> None:
    """Nothing was given back; the next release ends it."""

    async def main():
        desk = Desk()
        key = await desk.acquire()
        desk.release(key).close()
        between = recorder.lines()
        await desk.release(key)
        return between

    acquire_release.patch_calls(Desk, "acquire", "release", by_result=True)
    assert asyncio.run(main()) == [f"main: {__name__}.Desk desk, ok ?"]
    assert recorder.lines() == [f"main: {__name__}.Desk desk, ok ok ok"]


def test_a_leave_that_is_never_awaited_leaves_its_lifecycle_open(patched) -> None:
    """What was closed before it began has not left anything: the __aexit__ that runs ends the record."""
    connection = Connection()
    finish(connection.__aenter__())
    connection.__aexit__(None, None, None).close()
    assert [seen.outcomes for seen in patched.lifecycles()] == ["ok - -"]
    finish(connection.__aexit__(None, None, None))
    assert [seen.outcomes for seen in patched.lifecycles()][-1] == "ok ok ok"
