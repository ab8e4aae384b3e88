"""Who cancelled: at every lifecycle that a cancellation hit, and at the end of every cancelled task."""

import asyncio
import contextlib
import os
import signal
import sys

import anyio
import pytest
from tests.support.waiting import until
from tests.tracer.support.cancelled_programs import all_wait, cancellers, fail, hold, run

from tenure import testing
from tenure._core import probe_backend


@pytest.mark.native_probe  # the Python probe cannot see a call of Task.cancel()
def test_a_task_that_calls_cancel_is_named_with_its_line():
    """On the lifecycle that the cancelled task was in, and at that task's end; a bound method counts as a call."""

    async def boss(victim, method):
        await asyncio.sleep(0)
        if method:
            cancel = victim.cancel
            cancel(msg="enough")
        else:
            victim.cancel()

    async def main():
        for name, method in (("one", False), ("two", True)):
            victim = asyncio.create_task(hold(), name=name)
            await asyncio.create_task(boss(victim, method), name=f"boss of {name}")
            await asyncio.wait([victim])

    assert run(main) == [
        "one ended: boss of one | in boss, victim.cancel()",
        "one: boss of one | in boss, victim.cancel()",
        "two ended: boss of two | in boss, cancel(msg='…')",
        "two: boss of two | in boss, cancel(msg='…')",
    ]


@pytest.mark.native_probe  # the Python probe cannot see a call of Task.cancel()
def test_whoever_cancels_a_task_cancels_what_it_waits_for():
    """Tasks that it gathers and the children of its group have the same canceller: it only passes that on."""

    async def outer():
        async with asyncio.TaskGroup() as group:
            group.create_task(hold(), name="child")
            await asyncio.gather(hold(), hold())

    async def main():
        task = asyncio.create_task(outer(), name="outer")
        await until(lambda: all_wait(4))
        task.cancel()
        await asyncio.wait([task])

    line = "main | in main, task.cancel()"
    assert run(main) == [
        *(f"child{what}: {line}" for what in (" ended", "")),
        *(f"hold-{number}{what}: {line}" for number in (1, 2) for what in (" ended", "")),
        *(f"outer{what}: {line}" for what in (" ended", "")),
    ]


@pytest.mark.native_probe  # the Python probe cannot see a call of Task.cancel()
def test_a_task_that_is_in_a_group_is_cancelled_by_the_child_that_failed():
    """The group cancels it to have it come to the end of the block."""

    async def main():
        async with asyncio.TaskGroup() as group:
            group.create_task(fail(), name="failing")
            await hold()

    with pytest.raises(ExceptionGroup), testing.recorder() as recorder:
        asyncio.run(main())
    assert cancellers(*recorder.batches()) == ["main: TaskGroup | failing | in fail"]


def test_a_task_group_cancels_for_the_task_that_failed():
    """A child, or the task that is in the group; the place is where the exception was raised."""

    async def main():
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(hold(), name="first")
                group.create_task(fail(), name="failing")
        except* ValueError:
            pass
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(hold(), name="second")
                await asyncio.sleep(0)
                await fail()
        except* ValueError:
            pass

    assert run(main) == [
        "first ended: TaskGroup | failing | in fail",
        "first: TaskGroup | failing | in fail",
        "second ended: TaskGroup | main | in fail",
        "second: TaskGroup | main | in fail",
    ]


def test_what_is_raised_in_place_of_a_cancellation_has_its_canceller():
    """Clean-up that fails hides the cancellation; who cancelled is still known. What is raised later has none."""

    async def victim():
        async with asyncio.Lock():
            try:
                await asyncio.sleep(10)
            finally:
                raise KeyError("clean-up")

    async def main():
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail(), name="failing")
                group.create_task(victim())
        except* (ValueError, KeyError):
            pass
        with contextlib.suppress(OSError):
            async with asyncio.Lock():
                raise OSError("later")

    with testing.recorder() as recorder:
        asyncio.run(main())
        (batch,) = recorder.batches()
    by = {batch.exceptions[entry.exception - 1].type: entry for entry in batch.cancellers}
    assert by.keys() & {"KeyError", "OSError"} == {"KeyError"}
    assert (by["KeyError"].via, batch.tasks[by["KeyError"].task - 1].name) == ("TaskGroup", "failing")


def test_a_timeout_is_named_by_its_length_and_its_line():
    """On all that it interrupts; afterwards it cancels nothing any more."""

    async def main():
        try:
            async with asyncio.timeout(0.01):
                await hold()
        except TimeoutError:
            pass
        await after()

    async def after():
        cancelled = asyncio.get_running_loop().create_future()
        cancelled.cancel()
        try:
            async with asyncio.Lock():
                await cancelled
        except asyncio.CancelledError:
            pass

    assert run(main) == ["main: None", "main: timeout 0.01 s | in main, asyncio.timeout(0.01)"]


def test_wait_for_is_named_by_the_line_that_waits():
    """It cancels another task until 3.11, and its own from 3.12 on."""

    async def main():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(hold(), 0.01)

    line = "wait_for 0.01 s | in main, hold()"
    if sys.version_info >= (3, 12):
        assert run(main) == [f"main: {line}"]
    else:
        assert run(main) == [f"hold-1 ended: {line}", f"hold-1: {line}"]


@pytest.mark.native_probe  # the Python probe cannot see a call of Task.cancel()
def test_a_request_after_one_that_was_answered_is_another_one():
    """A timeout that was caught is not the canceller of what comes later."""

    async def main():
        async def twice():
            try:
                await asyncio.wait_for(asyncio.sleep(10), 0.01)
            except TimeoutError:
                answered.set()
                await hold()

        answered = asyncio.Event()
        task = asyncio.create_task(twice(), name="twice")
        await answered.wait()
        task.cancel()
        task.cancel("once more, before the first one is delivered")
        await asyncio.wait([task])

    line = "main | in main, task.cancel()"
    assert run(main) == [f"twice ended: {line}", f"twice: {line}"]


def test_the_python_probe_says_nothing_where_it_cannot_know():
    """After a timeout that it saw comes a call that it did not see: better no canceller than a wrong one."""

    async def main():
        async def twice():
            try:
                await asyncio.wait_for(asyncio.sleep(10), 0.01)
            except TimeoutError:
                answered.set()
                await hold()

        answered = asyncio.Event()
        task = asyncio.create_task(twice(), name="twice")
        await answered.wait()
        task.cancel()
        await asyncio.wait([task])

    line = "main | in main, task.cancel()" if probe_backend.SERVES else "None"
    assert run(main) == [f"twice ended: {line}", f"twice: {line}"]


def test_at_the_end_of_asyncio_run_what_is_left_is_cancelled():
    """The line is the one that called it."""

    async def main():
        left.append(asyncio.create_task(hold(), name="left"))
        await asyncio.sleep(0)

    left = []
    line = "end of asyncio.run | in run, asyncio.run(main(), **options)"
    assert run(main) == [f"left ended: {line}", f"left: {line}"]


@pytest.fixture
def _ctrl_c():
    """Python's own handler: a shell starts what it runs in the background with the signal ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_ctrl_c")
def test_ctrl_c_is_told_as_its_signal():
    """Runner cancels the main task for it."""

    async def main():
        os.kill(os.getpid(), signal.SIGINT)
        await hold()

    with testing.recorder() as recorder:
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(main())
        (batch,) = recorder.batches()
    assert cancellers(batch) == ["main ended: SIGINT", "main: SIGINT"]


@pytest.mark.native_probe  # the Python probe cannot see a call of Task.cancel()
def test_what_the_loop_calls_itself_is_told_as_that():
    """A signal's handler by the signal; a timer has no line any more when it rings."""

    async def main():
        loop = asyncio.get_running_loop()
        later = asyncio.create_task(hold(), name="later")
        loop.call_later(0.01, later.cancel)
        interrupted = asyncio.create_task(hold(), name="told")
        loop.add_signal_handler(signal.SIGUSR1, interrupted.cancel)
        await asyncio.wait([later])
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.wait([interrupted])

    assert run(main) == [
        "later ended: event loop",
        "later: event loop",
        "told ended: SIGUSR1",
        "told: SIGUSR1",
    ]


def test_anyio_scopes_and_groups_are_told_alike():
    """A scope that ends, one that somebody cancels, a task that failed."""

    async def main():
        with anyio.move_on_after(0.1):
            await hold()
        async with anyio.create_task_group() as group:
            group.start_soon(hold, name="stopped")
            await until(lambda: all_wait(1))
            group.cancel_scope.cancel()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(hold, name="beside")
                group.start_soon(fail, name="failing")
        except* ValueError:
            pass

    assert run(main) == [
        "beside ended: anyio.TaskGroup | failing | in fail",
        "beside: anyio.TaskGroup | failing | in fail",
        "main: move_on_after 0.1 s | in main, anyio.move_on_after(0.1)",
        "stopped ended: main | in main, group.cancel_scope.cancel()",
        "stopped: main | in main, group.cancel_scope.cancel()",
    ]
