"""``acquire()`` and ``release()`` without a statement."""

import asyncio
import contextlib
import gc
import inspect
import traceback
import weakref

import pytest
from tests.support.waiting import until


async def by_hand(lock, until=None):
    await lock.acquire()
    try:
        if until is not None:
            await until.wait()
    finally:
        lock.release()


async def in_time(lock):
    await asyncio.wait_for(lock.acquire(), 1)
    lock.release()


async def in_a_task(lock):
    await asyncio.create_task(lock.acquire())
    lock.release()


class Guard:
    def __init__(self):
        self._lock = asyncio.Lock()

    async def __aenter__(self):
        await self._lock.acquire()

    async def __aexit__(self, *details):
        self._lock.release()


class CountingLock(asyncio.Lock):
    acquired = released = 0

    async def acquire(self):
        self.acquired += 1
        return await super().acquire()

    def release(self):
        self.released += 1
        super().release()


async def use(manager):
    async with manager:
        pass


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (asyncio.Lock, "asyncio.locks.Lock lock (1)"),
        (lambda: asyncio.Semaphore(3), "asyncio.locks.Semaphore lock (3)"),
        (lambda: asyncio.BoundedSemaphore(2), "asyncio.locks.BoundedSemaphore lock (2)"),
        (asyncio.Condition, "asyncio.locks.Condition lock (1)"),
    ],
)
def test_from_acquire_to_release_a_lock_is_held(recorder, make, line):
    """What a program takes and gives back by calls is a lifecycle like any other, at the place of the acquire."""
    assert recorder.run(by_hand(make())) == [f"by_hand: {line}, ok ok ok"]
    site = recorder.sites()[0]
    first = by_hand.__code__.co_firstlineno
    assert (site.line, site.expression, site.enter, site.exit) == (first + 1, "lock.acquire()", "acquire", "release")


def test_by_hand_and_by_statement_it_is_one_resource(recorder, written):
    """Whoever waits for the one waits for the other."""

    async def main():
        for lock in (asyncio.Lock(), asyncio.Semaphore(1), asyncio.Condition()):
            await by_hand(lock)
            await written(use)(lock)

    recorder.run(main())
    assert [resource.id for resource in recorder.resources()] == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("function", [in_time, in_a_task])
def test_an_acquire_that_runs_in_a_task_of_its_own_is_the_makers(recorder, function):
    """wait_for makes such a task until CPython 3.11; who made it is who holds the lock, and its line the place."""
    assert recorder.run(function(asyncio.Lock())) == [f"{function.__name__}: asyncio.locks.Lock lock (1), ok ok ok"]
    site = recorder.sites()[0]
    assert (site.function, site.expression) == (function.__name__, "lock.acquire()")


def test_an_acquire_that_is_not_in_time_was_never_held(recorder):
    """The wait ends as cancelled; the program sees its TimeoutError."""

    async def main():
        lock = asyncio.Lock()
        await lock.acquire()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lock.acquire(), 0.01)

    assert recorder.run(main()) == [
        "main: asyncio.locks.Lock lock (1), ok ?",
        "main: asyncio.locks.Lock lock (1), cancelled(CancelledError)",
    ]


def test_another_task_may_release(recorder):
    """A lock has no owner: the lifecycle is the acquirer's and ends with the release, whoever calls it."""

    async def give_back(lock):
        lock.release()

    async def main():
        lock = asyncio.Lock()
        await asyncio.create_task(lock.acquire(), name="acquirer")
        await asyncio.create_task(give_back(lock), name="releaser")
        return lock.locked()

    assert asyncio.run(main()) is False
    assert recorder.lines() == ["main: asyncio.locks.Lock lock (1), ok ok ok"]
    assert recorder.lifecycles()[0].released_by == "releaser"


def test_a_release_ends_the_use_of_its_own_task_first(recorder):
    """Two tasks hold one semaphore; who releases gives back its own."""

    async def main():
        semaphore, first, second = asyncio.Semaphore(2), asyncio.Event(), asyncio.Event()
        one = asyncio.create_task(by_hand(semaphore, first), name="one")
        two = asyncio.create_task(by_hand(semaphore, second), name="two")
        await until(lambda: len(recorder.lines()) == 2)
        second.set()
        await two
        seen = recorder.lines()
        first.set()
        await one
        return seen

    assert asyncio.run(main()) == [
        "one: asyncio.locks.Semaphore lock (2), ok ?",
        "two: asyncio.locks.Semaphore lock (2), ok ok ok",
    ]


def test_a_statement_within_does_not_end_what_was_acquired_by_a_call(recorder, written):
    """A semaphore taken twice by one task in two ways is two uses."""

    async def main():
        semaphore = asyncio.Semaphore(2)
        await semaphore.acquire()
        await written(use)(semaphore)
        return recorder.lines()

    assert asyncio.run(main()) == [
        "main: asyncio.locks.Semaphore semaphore (2), ok ?",
        "main: asyncio.locks.Semaphore semaphore (2), ok ok ok",
    ]


def test_a_lock_let_go_of_for_a_while_within_its_statement_is_not_left_open(recorder, written):
    """The statement's exit releases what the call in its body acquired."""

    async def let_go(lock):
        async with lock:
            lock.release()
            await lock.acquire()

    assert recorder.run(let_go(asyncio.Lock())) == ["let_go: asyncio.locks.Lock lock (1), ok ok ok"] * 2


def test_who_waits_for_a_condition_does_not_hold_its_lock(recorder):
    """wait() gives the lock up and takes it again: two uses, of which the second one is released by the call."""

    async def main():
        condition = asyncio.Condition()
        await condition.acquire()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(condition.wait(), 0.01)
        seen = recorder.lines()
        condition.release()
        return seen

    seen = asyncio.run(main())
    assert seen == [
        "main: asyncio.locks.Condition condition (1), ok ok ok",
        "main: asyncio.locks.Condition.wait condition, cancelled(CancelledError)",
        "main: asyncio.locks.Condition condition (1), ok ?",
    ]
    assert recorder.lines() == [*seen[:-1], "main: asyncio.locks.Condition condition (1), ok ok ok"]
    assert recorder.lifecycles()[-1].released_by == ""


def test_a_lock_that_is_given_up_meanwhile_is_another_tasks(recorder):
    """Its release by another task ends that task's use, not the one of who waits."""

    async def user(condition):
        async with condition:
            condition.notify()

    async def main():
        condition = asyncio.Condition()
        await condition.acquire()
        task = asyncio.create_task(user(condition), name="user")
        await condition.wait()
        condition.release()
        await task

    asyncio.run(main())
    assert [(use.task, use.outcomes, use.released_by) for use in recorder.lifecycles()] == [
        ("main", "ok ok ok", ""),
        ("main", "ok ok ok", "user"),
        ("user", "ok ok ok", ""),
        ("main", "ok ok ok", ""),
    ]


def test_a_semaphore_made_with_nothing_to_take_is_a_signal(recorder):
    """Who acquires it was called, holds nothing and will not give it back."""

    async def main():
        signal = asyncio.Semaphore(0)
        signal.release()
        await signal.acquire()

    assert recorder.run(main()) == []


def test_a_guard_around_a_lock_holds_both(recorder, written):
    """What an __aenter__ acquires and its __aexit__ releases is held within."""

    async def main():
        await written(use)(Guard())

    recorder.run(main())
    expected = ["main: Lock Guard.lock"] if written(use) is use else ["main: Guard manager", "  main: Lock Guard.lock"]
    assert recorder.tree() == expected
    assert {line.rpartition(", ")[2] for line in recorder.lines()} == {"ok ok ok"}


def test_a_subclass_that_calls_super_is_recorded_once_at_its_caller(recorder):
    """The place is where the program takes the lock, not where the subclass passes it on."""
    lock = CountingLock()
    assert recorder.run(by_hand(lock)) == [f"by_hand: {__name__}.CountingLock lock (1), ok ok ok"]
    assert recorder.sites()[0].function == "by_hand"
    assert (lock.acquired, lock.released) == (1, 1)


def test_a_release_too_many_is_refused_in_asyncios_own_words(recorder):
    """The program gets its RuntimeError, from its own line."""

    async def main():
        lock = asyncio.Lock()
        try:
            lock.release()
        except RuntimeError as error:
            return str(error), [frame.name for frame in traceback.extract_tb(error.__traceback__)]

    text, frames = asyncio.run(main())
    assert (text, frames) == ("Lock is not acquired.", ["main", "release"])
    assert recorder.lines() == []


def test_methods_keep_their_kind(recorder):
    """What a program may ask about: acquire is a coroutine function and release is none."""
    lock = asyncio.Lock()
    assert inspect.iscoroutinefunction(lock.acquire)
    assert not inspect.iscoroutinefunction(lock.release)


def test_a_lock_that_is_held_when_it_dies_is_not_kept_alive(recorder):
    """Tracing must not change when an object is collected; its lifecycle stays open, as a leak is."""

    async def main():
        lock = asyncio.Lock()
        await lock.acquire()
        return weakref.ref(lock)

    reference = asyncio.run(main())
    gc.collect()
    assert reference() is None
    assert recorder.lines() == ["main: asyncio.locks.Lock lock (1), ok ?"]


def test_an_acquire_that_is_closed_while_it_waits_ends_its_lifecycle(recorder):
    """GeneratorExit is a cancellation of the acquire."""

    async def main():
        lock = asyncio.Lock()
        await lock.acquire()
        coroutine = by_hand(lock)
        coroutine.send(None)
        coroutine.close()

    assert [line.rpartition(", ")[2] for line in recorder.run(main())] == ["ok ?", "cancelled(GeneratorExit)"]


def test_equal_code_of_two_files_has_two_sites(recorder):
    """What one file does on its lines another may do too: each lifecycle is told of its own."""
    source = "async def take(lock):\n    await lock.acquire()\n    lock.release()\n"
    first, second = {}, {}
    exec(compile(source, "first.py", "exec"), first)
    exec(compile(source, "second.py", "exec"), second)

    async def main():
        lock = asyncio.Lock()
        await first["take"](lock)
        await second["take"](lock)

    asyncio.run(main())
    assert [site.file for site in recorder.sites()] == ["first.py", "second.py"]
