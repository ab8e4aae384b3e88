"""asyncio.Barrier: nobody holds anything while it waits for the others; the last one to arrive releases all."""

import asyncio
from contextlib import suppress

import pytest
from tests.support.waiting import until

WAIT, BARRIER = "asyncio.locks.Barrier.wait barrier", "asyncio.locks.Barrier barrier"


async def by_call(barrier):
    return await barrier.wait()


async def by_statement(barrier):
    async with barrier as place:
        return place


async def in_time(barrier):
    return await asyncio.wait_for(barrier.wait(), 60)


def uses(recorder):
    return [(line, use.released_by) for line, use in zip(recorder.lines(), recorder.lifecycles(), strict=True)]


async def until_waiting(barrier, count):
    await until(lambda: barrier.n_waiting == count)


@pytest.mark.parametrize("last", [by_call, by_statement, in_time])
def test_the_last_one_releases_who_waits(recorder, last):
    """Until then they wait and hold nothing. The last one waits for nobody."""

    async def main():
        barrier = asyncio.Barrier(3)
        tasks = [asyncio.create_task(by_call(barrier), name=f"party-{n}") for n in range(2)]
        await until_waiting(barrier, 2)
        seen.extend(recorder.lines())
        tasks.append(asyncio.create_task(last(barrier), name="last"))
        assert sorted(await asyncio.gather(*tasks)) == [0, 1, 2]

    seen = []
    asyncio.run(main())
    assert seen == [f"party-{n}: {WAIT}, ?" for n in range(2)]
    *parties, last_use = uses(recorder)
    assert [line for line, _ in parties] == [f"party-{n}: {WAIT}, ok ok ok" for n in range(2)]
    of_inner_task = last is in_time and not hasattr(asyncio.Condition, "_notify")
    assert {releaser for _, releaser in parties} == ({"last"} if not of_inner_task else {parties[0][1]})
    assert all(releaser for _, releaser in parties)
    assert last_use[0] == (f"last: {BARRIER if last is by_statement else WAIT}, ok ok ok")


def test_a_barrier_may_be_used_again(recorder):
    """Each round is released by its own last one, also where the next round has begun to wait."""

    async def party(barrier):
        for _ in range(3):
            await barrier.wait()

    async def main():
        barrier = asyncio.Barrier(2)
        await asyncio.gather(*(asyncio.create_task(party(barrier), name=f"party-{n}") for n in range(2)))

    asyncio.run(main())
    lines = [line.partition(": ")[2] for line in recorder.lines()]
    assert lines == [f"{WAIT}, ok ok ok"] * 6
    releasers = [(use.task, use.released_by) for use in recorder.lifecycles()]
    assert sum(releaser == "" for _, releaser in releasers) == 3  # the last of each round
    assert all(task != releaser for task, releaser in releasers)


@pytest.mark.parametrize("end", ["abort", "reset"])
def test_a_barrier_that_breaks_fails_its_waits(recorder, end):
    """BrokenBarrierError is the outcome; who comes after an abort fails at once."""

    async def late(barrier):
        with suppress(asyncio.BrokenBarrierError):
            await barrier.wait()

    async def main():
        barrier = asyncio.Barrier(3)
        tasks = [asyncio.create_task(late(barrier), name=f"party-{n}") for n in range(2)]
        await until_waiting(barrier, 2)
        await getattr(barrier, end)()
        await asyncio.gather(*tasks)
        if end == "abort":
            await asyncio.create_task(late(barrier), name="party-2")

    count = 3 if end == "abort" else 2
    assert recorder.run(main()) == [f"party-{n}: {WAIT}, error(BrokenBarrierError)" for n in range(count)]


def test_who_is_cancelled_at_a_barrier_is_counted_no_more(recorder):
    """The others wait on, for one more."""

    async def main():
        barrier = asyncio.Barrier(2)
        first = asyncio.create_task(by_call(barrier), name="first")
        await until_waiting(barrier, 1)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        second = asyncio.create_task(by_call(barrier), name="second")
        await until_waiting(barrier, 1)
        seen.extend(recorder.lines())
        await asyncio.create_task(by_call(barrier), name="third")
        await second

    seen = []
    asyncio.run(main())
    assert seen == [f"first: {WAIT}, cancelled(CancelledError)", f"second: {WAIT}, ?"]
    assert uses(recorder)[1:] == [(f"second: {WAIT}, ok ok ok", "third"), (f"third: {WAIT}, ok ok ok", "")]


def test_a_subclass_that_waits_by_its_base_is_one_wait(recorder):
    """It stands at the line that calls the base."""

    class Counted(asyncio.Barrier):
        async def wait(self):
            return await super().wait()

    async def main():
        await Counted(1).wait()

    asyncio.run(main())
    assert [(use.task, use.outcomes) for use in recorder.lifecycles()] == [("main", "ok ok ok")]


def test_what_asyncio_waits_for_within_is_not_the_programs(recorder):
    """A barrier waits with a condition of its own; the waits of a gather are named by the barrier."""

    async def main():
        barrier = asyncio.Barrier(2)
        await asyncio.gather(barrier.wait(), barrier.wait())

    assert recorder.run(main()) == [f"main: {WAIT}, ok ok ok"] * 2
