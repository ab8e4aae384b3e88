"""anyio: tokens that are borrowed on behalf of something else than the running task, and guards."""

import asyncio

import anyio
import pytest

LIMITER = "anyio.CapacityLimiter limiter (1)"


class Job:
    """A borrower: an object of the program's that equals others of its number."""

    def __init__(self, number):
        self.number = number

    def __eq__(self, other):
        return self.number == other.number

    def __hash__(self):
        return hash(self.number)


async def take(limiter, job):
    await limiter.acquire_on_behalf_of(job)


async def give(limiter, job):
    limiter.release_on_behalf_of(job)


def uses(recorder):
    return [
        (line, use.released_by)
        for line, use in zip(recorder.lines(), recorder.lifecycles(), strict=True)
        if "Limiter" in line
    ]


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_another_task_gives_back_what_a_borrower_has(recorder, backend, before):
    """The borrower is in the name of the call; who gives it back is told, also by an object that only equals it."""
    made = anyio.CapacityLimiter(1) if before else None

    async def main():
        limiter = made or anyio.CapacityLimiter(1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(take, limiter, Job(1), name="taker")
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(take, limiter, Job(2), name="waiter")
            await anyio.wait_all_tasks_blocked()
            seen.extend(recorder.lines())
            tasks.start_soon(give, limiter, Job(1), name="giver")
            await anyio.wait_all_tasks_blocked()
            limiter.release_on_behalf_of(Job(2))

    seen = []
    anyio.run(main, backend=backend)
    assert [line for line in seen if "Limiter" in line] == [f"taker: {LIMITER}, ok ?", f"waiter: {LIMITER}, ?"]
    main_task = recorder.lifecycles()[0].task
    assert uses(recorder) == [(f"taker: {LIMITER}, ok ok ok", "giver"), (f"waiter: {LIMITER}, ok ok ok", main_task)]
    calls = {(site.enter, site.exit) for site in recorder.sites() if "limiter" in site.expression}
    assert calls == {("acquire_on_behalf_of(job)", "release_on_behalf_of")}


def test_each_borrower_has_its_own_use(recorder):
    """One task borrows for several, and gives them back in any order."""

    async def main():
        limiter, first, second = anyio.CapacityLimiter(2), Job(1), Job(2)
        limiter.acquire_on_behalf_of_nowait(first)
        await limiter.acquire_on_behalf_of(borrower=second)
        limiter.release_on_behalf_of(borrower=first)
        seen.extend(recorder.lines())
        with pytest.raises(RuntimeError):
            limiter.release_on_behalf_of(first)
        limiter.release_on_behalf_of(second)

    seen = []
    asyncio.run(main())
    line = "main: anyio.CapacityLimiter limiter (2)"
    assert seen == [f"{line}, ok ok ok", f"{line}, ok ?"]
    assert recorder.lines() == [f"{line}, ok ok ok"] * 2
    assert [site.enter for site in recorder.sites()] == [
        "acquire_on_behalf_of_nowait(first)",
        "acquire_on_behalf_of(second)",
    ]


def test_a_borrower_that_gets_nothing_is_a_failed_acquire(recorder):
    """Without a token that is free, or cancelled while it waits."""

    async def main():
        limiter = anyio.CapacityLimiter(1)
        limiter.acquire_on_behalf_of_nowait("first")
        with pytest.raises(anyio.WouldBlock):
            limiter.acquire_on_behalf_of_nowait("second")
        task = asyncio.create_task(take(limiter, "third"), name="third")
        await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait([task])
        limiter.release_on_behalf_of("first")

    assert recorder.run(main()) == [
        f"main: {LIMITER}, ok ok ok",
        f"main: {LIMITER}, error(WouldBlock)",
        f"third: {LIMITER}, cancelled(CancelledError)",
    ]


@pytest.mark.parametrize("for_task", [False, True])
def test_a_task_that_borrows_for_itself_gives_back_either_way(recorder, for_task):
    """acquire() borrows on behalf of the running task."""

    async def main():
        limiter = anyio.CapacityLimiter(1)
        if for_task:
            await limiter.acquire_on_behalf_of(asyncio.current_task())
            limiter.release()
        else:
            await limiter.acquire()
            limiter.release_on_behalf_of(asyncio.current_task())

    assert recorder.run(main()) == [f"main: {LIMITER}, ok ok ok"]


def test_an_acquire_on_behalf_of_somebody_may_be_a_task(recorder):
    """It stands for the task that made it."""

    async def main():
        limiter = anyio.CapacityLimiter(1)
        await asyncio.gather(limiter.acquire_on_behalf_of("job"))
        limiter.release_on_behalf_of("job")

    assert recorder.run(main()) == ["main: anyio.CapacityLimiter (1), ok ok ok"]


def test_a_guard_that_is_busy_refuses(recorder):
    """Who enters it second is told, and gets nothing."""

    async def main():
        guard = anyio.ResourceGuard("reading from")
        with guard, pytest.raises(anyio.BusyResourceError), guard:
            pass

    line = "main: anyio.ResourceGuard guard (1)"
    assert recorder.run(main()) == [f"{line}, ok ok ok", f"{line}, error(BusyResourceError)"]
