"""Recording who cancels changes nothing: not what is kept alive, not ``Task.cancel``, not the sites."""

import asyncio
import gc
import inspect
import weakref

import pytest
from tests.tracer.support.cancelled_programs import cancellers, fail, hold

from tenure import testing, wire
from tenure._identify import tracer


def test_a_canceller_that_is_forgotten_is_shipped_by_its_name():
    """What it cancelled may take longer to end than it did, and many batches may have gone by."""

    async def slow():
        try:
            await hold()
        finally:
            await asyncio.sleep(0)
            seen.extend(recorder.batches())

    async def main():
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(slow(), name="slow")
                group.create_task(fail(), name="failing")
        except* ValueError:
            pass

    seen = []
    with testing.recorder() as recorder:
        asyncio.run(main())
        seen += recorder.batches()
    assert seen[0].cancellers  # of the lifecycle
    assert "slow ended: TaskGroup | failing | in fail" in cancellers(seen[-1])


def test_tasks_that_cancel_one_another_in_turn_are_not_kept():
    """A canceller is a number and a name: the last of a chain does not keep the first."""

    async def link(previous):
        if previous is not None:
            previous.cancel()
        await asyncio.sleep(10)

    async def main():
        previous = None
        for _ in range(50):
            previous = asyncio.create_task(link(previous))
            references.append(weakref.ref(previous))
            await asyncio.sleep(0)
        previous.cancel()

    references = []
    with testing.recorder() as recorder:
        asyncio.run(main())
        recorder.batches()
        gc.collect()
        assert [reference() for reference in references] == [None] * 50
        assert [task.kind for task in tracer.current.tasks.by_id.values()] in ([], ["thread"])


def test_task_cancel_is_what_it_was():
    """The method is the same object with the same signature, and answers as ever."""

    async def main():
        task = asyncio.create_task(hold())
        with pytest.raises(TypeError, match=r"at most 1 argument|takes from 1 to 2"):
            task.cancel(1, 2)
        answers = task.cancel(), task.cancelling()
        await asyncio.wait([task])
        return (*answers, task.cancel(), task.cancelled())

    before = asyncio.Task.cancel
    signature = inspect.signature(before)
    with testing.recorder():
        assert asyncio.Task.cancel is before
        assert inspect.signature(asyncio.Task.cancel) == signature
        assert type(asyncio.Task.cancel) is type(asyncio.Task.uncancel)
        assert asyncio.run(main()) == (True, 1, False, True)
    assert asyncio.Task.cancel is before
    assert asyncio.run(main()) == (True, 1, False, True)


def test_a_method_that_was_bound_while_recording_works_afterwards():
    """It outlives the recording."""

    async def bind():
        task = asyncio.create_task(hold())
        return task.cancel, task

    async def main():
        with testing.recorder():
            cancel, task = await bind()
            await asyncio.sleep(0)
        assert cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(main())


def test_sites_of_cancellers_are_sites_like_others():
    """File, line and function."""

    async def main():
        async with asyncio.timeout(0.01):
            await hold()

    with testing.recorder() as recorder:
        with pytest.raises(TimeoutError):
            asyncio.run(main())
        (batch,) = recorder.batches()
    (place,) = {entry.site for entry in batch.cancellers}
    line = main.__code__.co_firstlineno + 1
    assert batch.sites[place - 1] == wire.Site(__file__, line, main.__qualname__, "asyncio.timeout(0.01)")
