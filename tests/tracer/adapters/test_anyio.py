"""anyio: its locks, limiters, task groups and cancel scopes."""

import asyncio
import contextlib

import anyio
import anyio.lowlevel
import pytest
from anyio._backends._asyncio import AsyncIOBackend


async def hold(manager, body=None):
    async with manager:
        if body is not None:
            await body


async def by_hand(lock):
    await lock.acquire()
    lock.release()


async def at_once(lock):
    lock.acquire_nowait()
    lock.release()


async def children(names):
    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(hold, anyio.Lock(), name=name)


async def limited(make):
    with make():
        await anyio.sleep(5)


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize(
    ("make", "line"),
    [
        (anyio.Lock, "anyio.Lock manager (1)"),
        (lambda: anyio.Semaphore(3), "anyio.Semaphore manager (3)"),
        (lambda: anyio.Semaphore(1, max_value=4), "anyio.Semaphore manager (4)"),
        (lambda: anyio.CapacityLimiter(2), "anyio.CapacityLimiter manager (2)"),
        (lambda: anyio.CapacityLimiter(float("inf")), "anyio.CapacityLimiter manager"),
        (anyio.Condition, "anyio.Condition manager (1)"),
    ],
)
def test_each_kind_of_lock_tells_its_kind_and_capacity(recorder, written, make, line, before):
    """Made while the loop runs or before, it is the same thing to the program and one lifecycle a use."""
    made = make() if before else None

    async def main():
        await written(hold)(made or make())

    assert recorder.run(main()) == [f"main: {line}, ok ok ok"]
    assert recorder.resources()[0].stereotype == "control"


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("use", [by_hand, at_once])
@pytest.mark.parametrize(
    "make", [anyio.Lock, lambda: anyio.Semaphore(1), lambda: anyio.CapacityLimiter(1), anyio.Condition]
)
def test_from_acquire_to_release_it_is_held(recorder, make, use, before):
    """Waiting or at once, by calls or by a statement: it is one resource, held until it is released."""
    made = make() if before else None

    async def main():
        lock = made or make()
        await use(lock)
        await hold(lock)

    kind = type(make()).__name__.removesuffix("Adapter")
    assert recorder.run(main()) == [f"main: anyio.{kind} lock (1), ok ok ok"] * 2
    assert len(set(recorder.resources())) == 1
    assert recorder.sites()[0].exit == "release"


def test_a_lock_that_is_taken_refuses_at_once(recorder):
    """acquire_nowait raises WouldBlock: an acquire that failed."""

    async def main():
        semaphore = anyio.Semaphore(1)
        await semaphore.acquire()
        with pytest.raises(anyio.WouldBlock):
            await at_once(semaphore)

    assert [line.partition(", ")[2] for line in recorder.run(main())] == ["ok ?", "error(WouldBlock)"]


def test_who_waits_for_a_condition_holds_nothing(recorder):
    """wait() gives the lock up and takes it again: two uses of it, and between them the wait to be notified."""

    async def main():
        condition = anyio.Condition()
        await condition.acquire()
        with anyio.move_on_after(0.01):
            await condition.wait()
        seen = recorder.lines()
        condition.release()
        return seen

    seen = asyncio.run(main())
    assert seen == [
        "main: anyio.Condition condition (1), ok ok ok",
        "main: anyio.CancelScope 0.01 s, ok cancelled(CancelledError) suppressed",
        "main: anyio.Condition.wait condition, cancelled(CancelledError)",
        "main: anyio.Condition condition (1), ok ?",
    ]
    assert recorder.lines() == [*seen[:-1], "main: anyio.Condition condition (1), ok ok ok"]


@pytest.mark.parametrize("has_lock", [False, True])
def test_the_task_that_notifies_ends_the_wait(recorder, has_lock):
    """A lock that the condition was given is what is held, by the condition and by itself."""

    async def consumer(condition):
        async with condition:
            await condition.wait()

    async def main():
        lock = anyio.Lock()
        condition = anyio.Condition(lock) if has_lock else anyio.Condition()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(consumer, condition, name="consumer")
            await anyio.wait_all_tasks_blocked()
            async with lock if has_lock else condition:
                condition.notify_all()

    asyncio.run(main())
    held = "anyio.Lock condition (1)" if has_lock else "anyio.Condition condition (1)"
    uses = {line.partition(", ")[0]: use for line, use in zip(recorder.lines(), recorder.lifecycles(), strict=True)}
    assert uses["consumer: anyio.Condition.wait condition"].released_by == "main"
    assert sorted(line for line in recorder.lines() if "wait" not in line and "Group" not in line) == [
        f"consumer: {held}, ok ok ok",
        f"consumer: {held}, ok ok ok",
        f"main: {held}, ok ok ok",
    ]


def test_a_limiter_that_is_given_to_threads_is_held_for_them(recorder):
    """It stands at the program's line. The limiter of all threads, which nobody gave, is not told."""

    async def main():
        limiter = anyio.CapacityLimiter(2)
        await anyio.to_thread.run_sync(len, "", limiter=limiter)
        await anyio.to_thread.run_sync(len, "")

    (line,) = recorder.run(main())
    assert line.startswith("main: anyio.CapacityLimiter")
    assert line.endswith("(2), ok ok ok")
    assert recorder.sites()[0].function.endswith("main")


def test_a_wait_that_is_refused_gives_nobodys_lock_up(recorder):
    """A lock of anyio belongs to its task: another one cannot wait with it."""

    async def other(condition):
        with pytest.raises(RuntimeError):
            await condition.wait()

    async def main():
        condition = anyio.Condition()
        async with condition:
            await asyncio.create_task(other(condition), name="other")

    assert recorder.run(main()) == [
        "main: anyio.Condition condition (1), ok ok ok",
        "other: anyio.Condition.wait condition, error(RuntimeError)",
    ]


@pytest.mark.parametrize("make", [anyio.move_on_after, anyio.fail_after])
def test_a_scope_is_named_by_its_length_on_a_busy_machine_too(recorder, monkeypatch, make):
    """The program gave the length; what is left of it at the scope's creation is shorter."""
    monkeypatch.setattr(AsyncIOBackend, "current_time", lambda: asyncio.get_running_loop().time() - 0.02)

    async def main():
        with make(0.1):
            pass

    assert recorder.run(main()) == ["main: anyio.CancelScope 0.1 s, ok ok ok"]


def test_a_task_group_holds_what_its_tasks_hold(recorder, written):
    """The scope within it is its own affair; the tasks keep the names that the program gave them."""
    recorder.run(written(children)(["first", "second"]))
    assert recorder.tree() == ["children: TaskGroup", "  first: Lock manager #1", "  second: Lock manager #2"]
    assert recorder.resources()[0].kind == "anyio.TaskGroup"


def test_a_child_that_fails_makes_the_release_of_its_group_fail(recorder):
    """The exception group is of the release's own making."""

    async def main():
        with pytest.raises(ExceptionGroup):
            await failing()

    async def fail():
        raise ValueError("no")

    async def failing():
        async with anyio.create_task_group() as group:
            group.start_soon(fail)

    assert recorder.run(main()) == ["main: anyio.TaskGroup, ok ok error(ExceptionGroup)"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: anyio.move_on_after(0.02),
        lambda: anyio.fail_after(0.02),
        lambda: anyio.CancelScope(deadline=anyio.current_time() + 0.02),
    ],
)
def test_a_scope_is_told_of_at_the_programs_line_with_its_length(recorder, make):
    """It is entered by `with`, yet it belongs to the task as a timeout of asyncio's does."""

    async def main():
        with contextlib.suppress(TimeoutError):
            await limited(make)

    assert recorder.run(main()) == ["main: anyio.CancelScope 0.02 s, ok cancelled(CancelledError) suppressed"]
    site = recorder.sites()[0]
    assert (site.function, site.enter, site.exit) == ("limited", "__enter__", "__exit__")


def test_a_scope_without_an_end_is_not_told_of(recorder):
    """Libraries enter them all the time, to shield or to be cancelled, and nothing is held."""

    async def main():
        for scope in (anyio.CancelScope(shield=True), anyio.move_on_after(None), anyio.fail_after(None)):
            with scope:
                await anyio.lowlevel.checkpoint()

    assert recorder.run(main()) == []


def test_a_scope_left_in_another_task_is_refused_in_anyios_own_words(recorder):
    """Scopes belong to their task, and Tenure adds no task. The release that failed is the other task's."""

    async def leave(scope):
        scope.__exit__(None, None, None)

    async def main():
        scope = anyio.CancelScope(deadline=anyio.current_time() + 9)
        scope.__enter__()
        with pytest.raises(RuntimeError, match="different task"):
            await asyncio.create_task(leave(scope), name="leaver")
        scope.__exit__(None, None, None)

    assert recorder.run(main()) == ["main: anyio.CancelScope 9 s, ok ok error(RuntimeError)"]
    assert recorder.lifecycles()[0].released_by == "leaver"
