"""``condition.wait()``: notifier, waiter and the lock taken again are three things."""

import asyncio
from contextlib import suppress
from itertools import pairwise

import pytest
from tests.support.waiting import until

LOCK, WAIT = "asyncio.locks.Condition ready (1)", "asyncio.locks.Condition.wait ready"


async def by_statement(ready):
    async with ready:
        await ready.wait()


async def for_predicate(ready, items=None):
    async with ready:
        await ready.wait_for(lambda: items)


async def by_calls(ready):
    await ready.acquire()
    try:
        await ready.wait()
    finally:
        ready.release()


async def in_time(ready):
    async with ready:
        await asyncio.wait_for(ready.wait(), 60)


async def in_a_task(ready):
    async with ready:
        await asyncio.create_task(ready.wait())


async def nested(ready, other):
    async with ready:
        async with other:
            pass
        await ready.wait()
        async with other:
            pass


async def until_open(recorder, count):
    """Wait until so many lifecycles wait to be notified, and give all lines."""
    await until(lambda: sum(line == f"{line.partition(':')[0]}: {WAIT}, ?" for line in recorder.lines()) == count)
    return recorder.lines()


def uses_of(recorder, task):
    return [
        (line.partition(": ")[2], use.released_by)
        for line, use in zip(recorder.lines(), recorder.lifecycles(), strict=True)
        if use.task == task
    ]


@pytest.mark.parametrize("wait", [by_statement, by_calls, in_time, in_a_task])
def test_who_waits_holds_nothing_until_notified(recorder, written, wait):
    """While all wait, every hold of the lock is over; afterwards each has one more, at the line of the wait."""
    wait = wait if wait is by_calls else written(wait)

    async def main():
        ready = asyncio.Condition()
        tasks = [asyncio.create_task(wait(ready), name=f"consumer-{n}") for n in range(4)]
        seen = await until_open(recorder, 4)
        locked = ready.locked()
        async with ready:
            ready.notify_all()
        await asyncio.gather(*tasks)
        return seen, locked

    seen, locked = asyncio.run(main())
    assert not locked
    assert sorted(seen) == sorted(
        line for n in range(4) for line in (f"consumer-{n}: {LOCK}, ok ok ok", f"consumer-{n}: {WAIT}, ?")
    )
    for n in range(4):
        assert uses_of(recorder, f"consumer-{n}") == [
            (f"{LOCK}, ok ok ok", ""),
            (f"{WAIT}, ok ok ok", "main"),
            (f"{LOCK}, ok ok ok", ""),
        ]
    again = [
        site for site, use in zip(recorder.sites(), recorder.lifecycles(), strict=True) if "wait(" in use.expression
    ]
    assert {(site.expression, site.enter) for site in again} == {("ready.wait()", "wait"), ("ready.wait()", "acquire")}


def test_the_lock_is_held_by_one_at_a_time(recorder, written):
    """Between the notification and the lock, who was notified waits for the lock."""

    async def main():
        ready = asyncio.Condition()
        tasks = [asyncio.create_task(written(by_statement)(ready), name=f"consumer-{n}") for n in range(3)]
        await until_open(recorder, 3)
        async with ready:
            ready.notify_all()
            await asyncio.sleep(0.001)
            seen = recorder.lines()
        await asyncio.gather(*tasks)
        return seen

    seen = asyncio.run(main())
    is_open = [line for line in seen if line.endswith("?")]
    assert sorted(is_open) == [*(f"consumer-{n}: {LOCK}, ?" for n in range(3)), f"main: {LOCK}, ok ?"]
    holds = sorted(
        (use.acquire + use.wait, use.acquire + use.wait + use.hold)
        for use in recorder.lifecycles()
        if use.resource == "asyncio.locks.Condition ready"
    )
    assert all(end <= begin for (_, end), (begin, _) in pairwise(holds))


def test_each_round_of_a_predicate_is_a_wait(recorder, written):
    """wait_for() waits again while the predicate is false; its line is the program's."""
    items = []

    async def main():
        ready = asyncio.Condition()
        task = asyncio.create_task(written(for_predicate)(ready, items), name="consumer")
        for is_last in (False, True):
            await until_open(recorder, 1)
            async with ready:
                ready.notify()
                if is_last:
                    items.append(1)
        await task

    asyncio.run(main())
    uses = uses_of(recorder, "consumer")
    assert [line for line, _ in uses] == [f"{LOCK}, ok ok ok", *[f"{WAIT}, ok ok ok", f"{LOCK}, ok ok ok"] * 2]
    lines = {use.expression for use in recorder.lifecycles()[1:] if use.task == "consumer"}
    assert lines == {"ready.wait_for(lambda: items)"}


def test_a_notification_that_reaches_a_cancelled_task_was_sent_to_it(recorder, written):
    """The first one was notified and is cancelled; the second one is not notified (CPython 3.13: by the first)."""

    async def main():
        ready = asyncio.Condition()
        tasks = [asyncio.create_task(written(by_statement)(ready), name=name) for name in ("first", "second")]
        await until_open(recorder, 2)
        async with ready:
            ready.notify(1)
        tasks[0].cancel()
        with suppress(asyncio.CancelledError):
            await tasks[0]
        await asyncio.sleep(0)
        is_notified = recorder.lines()
        async with ready:
            ready.notify_all()
        await tasks[1]
        return is_notified

    asyncio.run(main())
    assert uses_of(recorder, "first") == [
        (f"{LOCK}, ok ok ok", ""),
        (f"{WAIT}, ok ok ok", "main"),
        (f"{LOCK}, ok cancelled(CancelledError) goes on", ""),
    ]
    notifier = "first" if hasattr(asyncio.Condition, "_notify") else "main"
    assert uses_of(recorder, "second")[1] == (f"{WAIT}, ok ok ok", notifier)


def test_a_wait_that_is_cancelled_ends_so(recorder, written):
    """The lock is taken again before the exception goes on."""

    async def main():
        ready = asyncio.Condition()
        task = asyncio.create_task(written(by_statement)(ready), name="consumer")
        await until_open(recorder, 1)
        async with ready:
            task.cancel()
            await asyncio.sleep(0.001)
            seen = recorder.lines()
        with suppress(asyncio.CancelledError):
            await task
        return seen

    seen = asyncio.run(main())
    assert [line for line in seen if line.startswith("consumer")] == [
        f"consumer: {LOCK}, ok ok ok",
        f"consumer: {WAIT}, cancelled(CancelledError)",
        f"consumer: {LOCK}, ?",
    ]
    assert uses_of(recorder, "consumer")[2] == (f"{LOCK}, ok cancelled(CancelledError) goes on", "")


def test_without_the_lock_it_is_a_failed_wait(recorder):
    """Python refuses it, also within an exception that is handled."""

    async def main():
        ready = asyncio.Condition()
        try:
            {}["key"]
        except KeyError:
            with pytest.raises(RuntimeError):
                await ready.wait()

    assert recorder.run(main()) == [f"main: {WAIT}, error(RuntimeError)"]


def test_conditions_of_one_lock_share_it(recorder, written):
    """What is held is the lock, whichever condition is entered or waited for."""

    async def main():
        lock = asyncio.Lock()
        full, empty = asyncio.Condition(lock), asyncio.Condition(lock)
        tasks = [
            asyncio.create_task(written(by_statement)(ready), name=name) for ready, name in ((full, "a"), (empty, "b"))
        ]
        await until_open(recorder, 2)
        async with lock:
            full.notify()
            empty.notify()
        await asyncio.gather(*tasks)

    asyncio.run(main())
    holds = {resource.id for resource in recorder.resources() if resource.kind == "asyncio.locks.Lock"}
    waits = {resource.id for resource in recorder.resources() if resource.kind == "asyncio.locks.Condition.wait"}
    assert (len(holds), len(waits)) == (1, 2)
    assert sum(use.resource.startswith("asyncio.locks.Lock") for use in recorder.lifecycles()) == 5


def test_what_is_entered_after_the_wait_is_within_the_second_hold(recorder, written):
    """The parent is the hold that is open then."""

    async def main():
        ready, other = asyncio.Condition(), asyncio.Lock()
        task = asyncio.create_task(written(nested)(ready, other), name="consumer")
        await until_open(recorder, 1)
        async with ready:
            ready.notify()
        await task

    asyncio.run(main())
    uses = [use for use in recorder.lifecycles() if use.task == "consumer"]
    first, before, wait, second, after = uses
    assert [use.parent for use in uses] == [0, first.id, first.id, first.id, second.id]
    assert before.resource == after.resource == "asyncio.locks.Lock other"
    assert wait.trace == second.trace == first.trace
    assert first.acquire + first.wait + first.hold == wait.acquire


@pytest.mark.parametrize("by_hand", [False, True])
def test_another_task_than_the_one_that_acquired_may_wait(recorder, by_hand):
    """It releases what the other acquired, has the lock again after the wait, and the other releases that."""

    async def main():
        ready, seen = asyncio.Condition(), []

        async def child():
            await ready.wait()

        async def parent():
            if by_hand:
                await ready.acquire()
                await asyncio.create_task(child(), name="child")
                ready.release()
            else:
                async with ready:
                    await asyncio.create_task(child(), name="child")

        task = asyncio.create_task(parent(), name="parent")
        await until_open(recorder, 1)
        async with ready:
            seen.extend(recorder.lines())
            ready.notify()
        await task
        return seen

    seen = asyncio.run(main())
    assert seen[:1] == [f"parent: {LOCK}, ok ok ok"]
    assert uses_of(recorder, "parent") == [(f"{LOCK}, ok ok ok", "child")]
    assert uses_of(recorder, "child") == [(f"{WAIT}, ok ok ok", "main"), (f"{LOCK}, ok ok ok", "parent")]
