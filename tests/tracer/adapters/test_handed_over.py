"""What one task acquires and another releases, by calls; and releases that are one too many."""

import asyncio
import threading

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


def from_a_callback(lock, loop):
    loop.call_soon(lock.release)


def from_a_threads_callback(lock, loop):
    thread = threading.Thread(target=loop.call_soon_threadsafe, args=(lock.release,), name="helper")
    thread.start()
    thread.join()


def from_a_thread(lock, _):
    thread = threading.Thread(target=lock.release, name="helper")
    thread.start()
    thread.join()


def from_another_loop(lock, _):
    async def give_back():
        lock.release()

    async def run():
        await asyncio.create_task(give_back(), name="stranger")

    thread = threading.Thread(target=asyncio.run, args=(run(),), name="helper")
    thread.start()
    thread.join()


@pytest.mark.parametrize(
    ("release", "releaser"),
    [
        (from_a_callback, "MainThread"),
        (from_a_threads_callback, "MainThread"),  # the loop's thread runs it
        (from_a_thread, "helper"),
        (from_another_loop, "stranger"),
    ],
)
def test_a_release_outside_of_the_tasks_of_its_loop_is_told(recorder, release, releaser):
    """By the thread that runs it, or by the task of the other loop."""

    async def main():
        lock = asyncio.Lock()
        await lock.acquire()
        release(lock, asyncio.get_running_loop())
        await asyncio.sleep(0)  # the callback runs
        assert not lock.locked()

    assert recorder.run(main()) == ["main: asyncio.locks.Lock lock (1), ok ok ok"]
    assert recorder.lifecycles()[0].released_by == releaser


def test_what_another_thread_acquires_is_not_the_loops(recorder):
    """The task that acquires has it, also where a callback of the loop made that task."""

    async def main():
        lock, loop = asyncio.Lock(), asyncio.get_running_loop()
        holder = loop.create_future()

        def borrow():
            asyncio.run_coroutine_threadsafe(lock.acquire(), loop).result()
            loop.call_soon_threadsafe(holder.set_result, None)

        thread = threading.Thread(target=borrow)
        thread.start()
        await holder
        thread.join()
        lock.release()

    (line,) = recorder.run(main())
    assert line == "Lock.acquire: asyncio.locks.Lock (1), ok ok ok"
    assert recorder.lifecycles()[0].released_by == "main"
    assert recorder.sites()[0].function.endswith("borrow")


@pytest.mark.parametrize("turns", range(4))
def test_no_waiter_holds_a_semaphore_before_its_acquire_returns(recorder, turns):
    """Handed over, cancelled meanwhile or not: never more uses are acquired than there are places."""

    async def use(slots):
        async with slots:
            await asyncio.sleep(0)

    async def main():
        slots = asyncio.Semaphore(2)
        tasks = [asyncio.create_task(use(slots), name=f"user-{n}") for n in range(6)]
        for _ in range(turns):
            await asyncio.sleep(0)
        tasks[2].cancel()
        tasks[3].cancel()
        while not all(task.done() for task in tasks):
            counts.append(sum(line.endswith("ok ?") for line in recorder.lines()))
            await asyncio.sleep(0)

    counts = []
    asyncio.run(main())
    assert max(counts) == 2
    assert not any(line.endswith("?") for line in recorder.lines())
