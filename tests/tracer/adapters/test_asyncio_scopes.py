"""asyncio's timeouts and task groups."""

import asyncio

import pytest


async def within(manager, body):
    async with manager:
        await body


async def fail(message):
    await asyncio.sleep(0)
    raise ValueError(message)


async def group_of(*bodies):
    async with asyncio.TaskGroup() as group:
        for body in bodies:
            group.create_task(body)


def test_a_timeout_that_is_not_needed_ends_in_peace(recorder, written):
    """A timeout is named by its length."""

    async def main():
        await written(within)(asyncio.timeout(0.5), asyncio.sleep(0))

    assert recorder.run(main()) == ["main: asyncio.timeout 0.5 s, ok ok ok"]


def test_a_timeout_that_fires_cancels_the_body_and_turns_that_into_a_timeout_error(recorder, written):
    """The body was cancelled; the TimeoutError is of the release's own making."""

    async def main():
        with pytest.raises(TimeoutError):
            await written(within)(asyncio.timeout(0.02), asyncio.sleep(5))

    assert recorder.run(main()) == ["main: asyncio.timeout 0.02 s, ok cancelled(CancelledError) error(TimeoutError)"]


def test_a_timeout_is_named_by_the_length_it_was_given(recorder, written):
    """However long it takes until it is entered: it is still the program's timeout of half a second."""

    async def main():
        timeout = asyncio.timeout(0.5)
        await asyncio.sleep(0.05)  # time passes before the timeout is entered
        await written(within)(timeout, asyncio.sleep(0))

    assert recorder.run(main()) == ["main: asyncio.timeout 0.5 s, ok ok ok"]


def test_a_deadline_in_the_past_leaves_no_time(recorder, written):
    """timeout_at is named by what is left of it."""

    async def main():
        with pytest.raises(TimeoutError):
            await written(within)(asyncio.timeout_at(0), asyncio.sleep(5))

    assert recorder.run(main()) == ["main: asyncio.timeout 0 s, ok cancelled(CancelledError) error(TimeoutError)"]


def test_a_timeout_without_an_end_is_recorded_in_the_programs_own_code_alone(recorder, rewritten):
    """Libraries enter them all the time, and nothing is held."""

    async def main():
        await within(asyncio.timeout(None), asyncio.sleep(0))
        await rewritten(within)(asyncio.timeout(None), asyncio.sleep(0))

    assert recorder.run(main()) == ["main: asyncio.timeout, ok ok ok"]


def test_a_task_group_waits_for_its_tasks_when_it_is_left(recorder, written):
    """The time that the children take is the group's release."""
    recorder.run(written(group_of)(within(asyncio.Lock(), asyncio.sleep(0))))
    group, child = recorder.lifecycles()
    assert recorder.lines() == [
        "group_of: asyncio.taskgroups.TaskGroup, ok ok ok",
        "within-1: asyncio.locks.Lock manager (1), ok ok ok",
    ]
    left = group.acquire + group.wait + group.hold
    assert left < child.acquire < child.acquire + child.wait + child.hold + child.release < left + group.release


def test_a_child_that_fails_makes_the_release_of_its_group_fail(recorder, written):
    """The body left in peace; the ExceptionGroup is of the release's own making."""

    async def main():
        with pytest.raises(ExceptionGroup):
            await written(group_of)(fail("out of stock"))

    assert recorder.run(main()) == ["main: asyncio.taskgroups.TaskGroup, ok ok error(ExceptionGroup)"]


def test_a_body_that_fails_comes_out_of_its_group_wrapped(recorder, written):
    """The body's exception does not go on as such: what the release raises is another object."""

    async def main():
        with pytest.raises(ExceptionGroup):
            await written(within)(asyncio.TaskGroup(), fail("in the body"))

    assert recorder.run(main()) == [
        "main: asyncio.taskgroups.TaskGroup manager, ok error(ValueError) error(ExceptionGroup)"
    ]
