"""asyncio's locks, semaphores and conditions."""

import asyncio

import pytest
from tests.support.waiting import until


async def hold(manager, until=None):
    async with manager:
        if until is not None:
            await until.wait()


async def hold_by_hand(manager, until=None):
    await manager.__aenter__()
    try:
        if until is not None:
            await until.wait()
    finally:
        await manager.__aexit__(None, None, None)


def test_a_lock_entered_from_three_tasks_is_one_resource_of_capacity_one(recorder, written):
    """However many tasks use a lock, it is one resource, and each use is one lifecycle."""

    async def main():
        lock = asyncio.Lock()
        async with asyncio.TaskGroup() as group:
            for n in range(3):
                group.create_task(form(lock), name=f"user {n}")

    form = written(hold)
    assert [line for line in recorder.run(main()) if "TaskGroup" not in line] == [
        f"user {n}: asyncio.locks.Lock manager (1), ok ok ok" for n in range(3)
    ]
    assert len(set(recorder.resources()[1:])) == 1


def test_entered_by_hand_a_lock_is_recorded_as_well(recorder):
    """What a program does without a statement, or a library in C, is seen by the class patch."""
    assert recorder.run(hold_by_hand(asyncio.Lock())) == ["hold_by_hand: asyncio.locks.Lock manager (1), ok ok ok"]


@pytest.mark.parametrize(
    ("manager", "line"),
    [
        (lambda: asyncio.Semaphore(3), "asyncio.locks.Semaphore manager (3)"),
        (lambda: asyncio.BoundedSemaphore(2), "asyncio.locks.BoundedSemaphore manager (2)"),
        (asyncio.Condition, "asyncio.locks.Condition manager (1)"),
        (lambda: asyncio.Barrier(1), "asyncio.locks.Barrier manager"),
    ],
)
def test_each_kind_of_lock_tells_its_kind_and_capacity(recorder, written, manager, line):
    """A person reads off a resource what it is and how many may hold it."""
    assert recorder.run(written(hold)(manager())) == [f"hold: {line}, ok ok ok"]
    assert recorder.resources()[0].stereotype == "control"


def test_a_bounded_semaphore_that_is_partly_taken_keeps_its_whole_capacity(recorder):
    """A bounded semaphore remembers its bound, so what was taken before the first record does not lessen it."""

    async def main():
        semaphore = asyncio.BoundedSemaphore(2)
        await semaphore.acquire()
        await hold(semaphore)

    assert recorder.run(main()) == [
        "main: asyncio.locks.BoundedSemaphore semaphore (2), ok ?",
        "main: asyncio.locks.BoundedSemaphore semaphore (2), ok ok ok",
    ]


def test_a_semaphore_that_is_partly_taken_keeps_the_capacity_that_it_was_made_with(recorder, written):
    """Nothing in it remembers what it began with, so its making is noted."""

    async def main():
        semaphore = asyncio.Semaphore(value=3)
        semaphore._value = 1
        await written(hold)(semaphore)

    assert recorder.run(main()) == ["main: asyncio.locks.Semaphore manager (3), ok ok ok"]


def test_a_condition_and_the_lock_it_was_given_are_one_resource(recorder, written):
    """Whoever waits for the lock waits for the user of the condition, so both are one thing to hold."""

    async def main():
        lock = asyncio.Lock()
        await form(asyncio.Condition(lock))
        await form(asyncio.Condition(lock=lock))
        await form(lock)

    form = written(hold)
    assert recorder.run(main()) == ["main: asyncio.locks.Lock manager (1), ok ok ok"] * 3
    assert len(set(recorder.resources())) == 1


def test_cancelled_while_it_waits_the_acquire_is_cancelled(recorder, written):
    """A task that was cancelled in front of a lock never held it, and the lock stays usable."""

    async def main():
        lock, done = asyncio.Lock(), asyncio.Event()
        holder = asyncio.create_task(form(lock, done), name="holder")
        waiter = asyncio.create_task(form(lock), name="waiter")
        await until(lambda: len(recorder.lines()) == 2)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        done.set()
        await holder
        await form(lock)

    form = written(hold)
    assert recorder.run(main()) == [
        "holder: asyncio.locks.Lock manager (1), ok ok ok",
        "waiter: asyncio.locks.Lock manager (1), cancelled(CancelledError)",
        "main: asyncio.locks.Lock manager (1), ok ok ok",
    ]


def test_while_it_is_held_a_lock_is_seen_as_held_and_who_waits_as_waiting(recorder, written):
    """Open lifecycles are in the buffer from their acquire on: that is how a hang is seen while it hangs."""

    async def main():
        lock, done = asyncio.Lock(), asyncio.Event()
        users = [asyncio.create_task(form(lock, done), name=name) for name in ("holder", "waiter")]
        seen = await recorder.until(waiting)
        done.set()
        await asyncio.gather(*users)
        return seen

    form = written(hold)
    waiting = ["holder: asyncio.locks.Lock manager (1), ok ?", "waiter: asyncio.locks.Lock manager (1), ?"]
    assert asyncio.run(main()) == waiting


class CountingLock(asyncio.Lock):
    entries = 0

    async def __aenter__(self):
        self.entries += 1
        return await super().__aenter__()


def test_a_subclass_that_calls_super_is_recorded_once_under_its_own_kind(recorder, written):
    """The patch of the base class sees ``super().__aenter__()`` within an entry that is recorded already."""
    lock = CountingLock()
    assert recorder.run(written(hold)(lock)) == [f"hold: {__name__}.CountingLock manager (1), ok ok ok"]
    assert lock.entries == 1


def test_two_tasks_in_one_semaphore_by_hand_are_kept_apart(recorder):
    """The exit of one task must not end the lifecycle of the other."""

    async def main():
        semaphore, first, second = asyncio.Semaphore(2), asyncio.Event(), asyncio.Event()
        one = asyncio.create_task(hold_by_hand(semaphore, first), name="one")
        two = asyncio.create_task(hold_by_hand(semaphore, second), name="two")
        await until(lambda: len(recorder.lines()) == 2)
        first.set()
        await one
        seen = recorder.lines()
        second.set()
        await two
        return seen

    assert asyncio.run(main()) == [
        "one: asyncio.locks.Semaphore manager (2), ok ok ok",
        "two: asyncio.locks.Semaphore manager (2), ok ?",
    ]


def test_one_task_twice_in_a_semaphore_by_hand_ends_the_inner_use_first(recorder):
    """The same object entered twice by the same task is two lifecycles, left in the order of a stack."""

    async def main():
        semaphore = asyncio.Semaphore(2)
        await semaphore.__aenter__()
        await semaphore.__aenter__()
        await semaphore.__aexit__(None, None, None)
        seen = recorder.lines()
        await semaphore.__aexit__(None, None, None)
        return seen

    assert asyncio.run(main()) == [
        "main: asyncio.locks.Semaphore semaphore (2), ok ?",
        "main: asyncio.locks.Semaphore semaphore (2), ok ok ok",
    ]


def test_a_lock_that_wait_for_enters_is_held_at_the_programs_line(recorder):
    """Whether ``wait_for`` makes a task for it (until 3.11) or not; its own timeout is not recorded."""

    async def main():
        lock = asyncio.Lock()
        await asyncio.wait_for(lock.__aenter__(), 5)
        await lock.__aexit__(None, None, None)

    lines = recorder.run(main())
    assert [line.partition(", ")[2] for line in lines] == ["ok ok ok"]
    assert [site.function.rpartition(".")[2] for site in recorder.sites()] == ["main"]
