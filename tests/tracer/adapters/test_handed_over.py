"""What one task acquires and another releases, by calls; and releases that are one too many."""

import asyncio

import anyio
import pytest


async def by_hand(lock, until):
    await lock.acquire()
    try:
        await until.wait()
    finally:
        lock.release()


async def released_twice(slots, inside):
    await slots.acquire()
    inside.append(len(inside))
    await asyncio.sleep(0)
    slots.release()
    slots.release()


def test_a_release_too_many_ends_nobodys_use(recorder):
    """The other task still holds its place; the line of the release is told."""

    async def main():
        slots, done = asyncio.Semaphore(2), asyncio.Event()
        holder = asyncio.create_task(by_hand(slots, done), name="holder")
        await asyncio.sleep(0)
        await asyncio.create_task(released_twice(slots, []), name="twice")
        seen = recorder.lines()
        done.set()
        await holder
        return seen, slots._value

    seen, value = asyncio.run(main())
    assert (seen[0], value) == ("holder: asyncio.locks.Semaphore lock (2), ok ?", 3)
    assert recorder.lines() == [
        "holder: asyncio.locks.Semaphore lock (2), ok ok ok",
        "twice: asyncio.locks.Semaphore lock (2), ok ok ok",
        "twice: asyncio.locks.Semaphore lock (2), error(NotHeld)",
    ]
    site = recorder.sites()[-1]
    first = released_twice.__code__.co_firstlineno
    assert (site.line, site.expression, site.enter) == (first + 5, "slots.release()", "release")


def test_a_place_that_another_task_gives_back_is_handed_over(recorder):
    """Who never acquired releases what another task holds, the oldest first."""

    async def give_back(slots):
        slots.release()

    async def main():
        slots = asyncio.Semaphore(2)
        for _ in range(2):
            await slots.acquire()
        for name in ("first", "second"):
            await asyncio.create_task(give_back(slots), name=name)

    asyncio.run(main())
    assert [(use.outcomes, use.released_by) for use in recorder.lifecycles()] == [
        ("ok ok ok", "first"),
        ("ok ok ok", "second"),
    ]


def test_a_release_that_is_refused_ends_nothing(recorder):
    """A lock of anyio belongs to its task."""

    async def give_back(lock):
        lock.release()

    async def main():
        lock = anyio.Lock()
        await lock.acquire()
        with pytest.raises(RuntimeError):
            await asyncio.create_task(give_back(lock), name="other")
        seen = recorder.lines()
        lock.release()
        return seen

    assert asyncio.run(main()) == ["main: anyio.Lock lock (1), ok ?"]
    assert [(use.outcomes, use.released_by) for use in recorder.lifecycles()] == [("ok ok ok", "")]
