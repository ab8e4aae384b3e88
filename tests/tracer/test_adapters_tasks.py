import asyncio
import logging
import sys

from tenure.testing import TICK_NS
from tenure.wire import OUTCOMES


async def work(fails=False):
    async with asyncio.Lock():
        await asyncio.sleep(0)
    if fails:
        raise ValueError("no more")


def ended(recorder):
    """Name, coroutine, creator and outcome of each task that ended."""
    tasks = recorder.tasks()
    names = {task.id: task.name for task in tasks}
    return [(task.name, task.coroutine, names.get(task.parent), OUTCOMES[task.outcome]) for task in tasks]


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
        await asyncio.sleep(0.01)
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


if sys.version_info >= (3, 12):

    def test_an_eager_task_that_ends_at_once_is_known_too(recorder):
        """It is over before create_task returns, and has its creator all the same."""

        async def quick():
            async with asyncio.Lock():
                pass

        async def main():
            asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
            await asyncio.create_task(quick(), name="eager")

        asyncio.run(main())
        assert ended(recorder) == [
            # 3.12 names the task when it has ended already
            ("eager" if sys.version_info >= (3, 13) else "quick", quick.__qualname__, "main", "ok"),
            ("main", main.__qualname__, None, "ok"),
        ]
