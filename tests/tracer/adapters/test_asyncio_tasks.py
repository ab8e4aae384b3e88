"""asyncio's tasks: names, creators, ends."""

import asyncio
import gc
import logging
import re
import sys
from unittest.mock import Mock

from tests.tracer.support.task_outcomes import ended, work

from tenure import testing
from tenure._identify import tracer
from tenure.testing import TICK_NS


def test_every_task_is_known_with_its_creator_its_name_and_its_outcome(recorder):
    """create_task, gather, ensure_future and a TaskGroup all end at the loop's create_task."""

    async def main():
        await asyncio.create_task(work(), name="by name")
        await asyncio.gather(work(), work(fails=True), return_exceptions=True)
        await asyncio.ensure_future(work())
        async with asyncio.TaskGroup() as group:
            group.create_task(work(), name="in a group")

    asyncio.run(main())
    assert ended(recorder) == [
        ("by name", "work", "main", "ok"),
        ("work-1", "work", "main", "ok"),
        ("work-2", "work", "main", "error"),
        ("work-3", "work", "main", "ok"),
        ("in a group", "work", "main", "ok"),
        ("main", f"{main.__qualname__}", None, "ok"),
    ]


def test_a_task_that_was_cancelled_ends_as_cancelled(recorder):
    """Cancellation is no failure."""

    async def main():
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(main())
    assert ended(recorder)[0] == ("work-1", "work", "main", "cancelled")


def test_creation_and_end_are_stamped_when_they_happen(recorder):
    """Created before its first lifecycle, finished after it: the two stamps enclose what the task did."""
    recorder.run(work())
    task, lifecycle = recorder.tasks()[0], recorder.lifecycles()[0]
    assert (lifecycle.acquire - task.created_ns, task.finished_ns - lifecycle.acquire) == (TICK_NS, 4 * TICK_NS)


def test_a_task_that_is_over_before_the_first_batch_hangs_under_what_it_was_created_in(recorder):
    """Most tasks are shorter than the time between two batches."""

    async def hold():
        async with asyncio.timeout(1):
            await asyncio.sleep(0)

    async def main():
        async with asyncio.Lock():
            await asyncio.create_task(hold(), name="short")

    asyncio.run(main())
    assert recorder.tree() == ["main: Lock", "  short: timeout 1 s"]


def test_asyncio_still_complains_about_an_exception_that_nobody_fetched(recorder, caplog):
    """Looking at a task's exception must not count as retrieving it."""

    async def main():
        task = asyncio.create_task(work(fails=True))
        await asyncio.wait([task])
        del task

    with caplog.at_level(logging.ERROR, logger="asyncio"):
        asyncio.run(main())
    assert [record.message.splitlines()[0] for record in caplog.records] == ["Task exception was never retrieved"]


def test_in_debug_mode_a_task_says_who_made_it_without_a_frame_of_ours(recorder):
    """What asyncio reports of where a task was created ends at the program's line."""

    async def main():
        task = asyncio.create_task(work())
        await task
        return [frame.filename for frame in task._source_traceback]

    files = asyncio.run(main(), debug=True)
    assert not [file for file in files if "tenure" in file and "tests" not in file]


def test_a_task_factory_may_make_what_it_likes(recorder):
    """What is no asyncio.Task is left alone."""

    class Made(asyncio.Future[str]):
        def set_name(self, name: str) -> None:
            """Some versions of create_task name whatever the factory made."""

    def factory(loop, coroutine, **_):
        coroutine.close()
        made = Made(loop=loop)
        made.set_result("made")
        return made

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_task_factory(factory)
        made = await loop.create_task(work())
        loop.set_task_factory(None)
        await work()
        return made

    assert asyncio.run(main()) == "made"
    assert [name for name, *_ in ended(recorder)] == ["main"]


def test_what_is_known_of_tasks_is_bounded(recorder):
    """Two thousand loops one after the other, and twenty thousand tasks, leave nothing behind but the thread."""

    async def nothing():
        pass

    async def many():
        for _ in range(100):
            await asyncio.gather(*(nothing() for _ in range(200)))
            recorder.lifecycles()

    for number in range(2_000):
        asyncio.run(nothing())
        if number % 100 == 0:
            recorder.lifecycles()
    asyncio.run(many())
    recorder.lifecycles()
    gc.collect()
    recorder.lifecycles()
    table = tracer.current.tasks
    assert (len(table.known), len(table.running), len(table.creating)) == (0, 0, 0)
    assert [task.name for task in table.by_id.values()] in ([], ["MainThread"])
    assert len(table.loops) <= 1
    ledger = recorder._recorder._ledger
    assert [len(kept) for kept in (ledger._within, ledger._origins, ledger._shipped_tasks, ledger._finished)] == [0] * 4


if sys.version_info >= (3, 12):

    def test_an_eager_task_has_its_creator_from_the_beginning(recorder):
        """It acquires before create_task returns, and is over by then or not; a factory of anyio's sort is no other."""

        async def quick():
            async with asyncio.Lock():
                pass

        async def slow():
            async with asyncio.Lock():
                await asyncio.sleep(0)

        async def main():
            asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
            async with asyncio.Lock():
                await asyncio.create_task(quick(), name="eager")
                await asyncio.create_task(slow(), name="slow")

        asyncio.run(main())
        # 3.12 names the task when it has run already
        names = ["eager", "slow"] if sys.version_info >= (3, 13) else ["quick-1", "slow"]
        assert ended(recorder) == [
            (names[0], quick.__qualname__, "main", "ok"),
            (names[1], slow.__qualname__, "main", "ok"),
            ("main", main.__qualname__, None, "ok"),
        ]
        assert recorder.tree() == ["main: Lock", f"  {names[0]}: Lock", f"  {names[1]}: Lock"]


def test_whatever_a_program_enters_as_its_task_the_program_goes_on(caplog):
    """Neither a mock nor an object without a name is asked for one; they are named by their types."""

    class Nameless:
        pass

    with testing.recorder(sync=True) as recorder:
        app = recorder.load("""
            import asyncio
            class Manager:
                def __enter__(self): return "held"
                def __exit__(self, *details): pass
            def hold(loop, task):
                asyncio._set_running_loop(loop)
                asyncio.tasks._enter_task(loop, task)
                try:
                    with Manager() as value:
                        return value
                finally:
                    asyncio.tasks._leave_task(loop, task)
                    asyncio._set_running_loop(None)
        """)
        loop = asyncio.new_event_loop()
        assert [app.hold(loop, task) for task in (Mock(), Nameless())] == ["held", "held"]
        loop.close()
        assert [lifecycle.task for lifecycle in recorder.lifecycles()] == ["Mock", "Nameless"]
    assert caplog.records == []


async def test_a_task_looks_as_it_does_unrecorded(recorder):
    """In its ``repr``, which the log of a destroyed pending task has too: the program's callbacks and no other."""

    def told(task):
        return re.sub(r"0x[0-9a-f]+|Task-\d+", "", repr(task))

    async def shown():
        tasks = [asyncio.create_task(asyncio.sleep(10)) for _ in range(4)]
        future = asyncio.get_running_loop().create_future()
        for count, task in enumerate(tasks):
            for _ in range(count):
                task.add_done_callback(print)
        seen = [told(one) for one in (*tasks, future, asyncio.current_task())]
        for task in tasks:
            task.remove_done_callback(print)
            task.cancel()
        await asyncio.wait(tasks)
        return seen + [told(task) for task in tasks]

    recorded = await asyncio.create_task(shown())
    recorder.stop()
    assert recorded == await asyncio.create_task(shown())
