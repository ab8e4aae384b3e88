"""trio: its tasks and nurseries, as trio has them; anyio on trio; and the refusal where a trio is not known."""

import asyncio
import queue
import threading
import types

import anyio
import pytest
import trio
from tests.tracer.support.trio_program import PROGRAM

from tenure import adapters, testing
from tenure._identify import tracer


@pytest.fixture
def app(recorder):
    """The program, with its own modules rewritten."""
    return recorder._recorder.load(PROGRAM)


def ends(recorder):
    """The tasks by name with their parents' names and how they ended, in the order of their ends."""
    tasks = recorder.tasks()
    names = {task.id: task.name for task in recorder._tasks.values()} | {0: ""}
    return [(task.name, names[task.parent], ("-", "ok", "error", "cancelled")[task.outcome]) for task in tasks]


def test_siblings_are_children_of_the_task_that_has_their_nursery(app, recorder):
    """Each is a task of its own inside the nursery, and none is another's parent, whatever their order."""
    trio.run(app.siblings)
    assert recorder.tree() == ["siblings: Nursery", "  hold-1: Thing", "  hold-2: Thing", "  hold-3: Thing"]
    assert ends(recorder) == [
        ("hold-2", "siblings", "ok"),
        ("hold-1", "siblings", "ok"),
        ("hold-3", "siblings", "ok"),
        ("siblings", "", "ok"),
    ]


def test_nurseries_nest_and_a_name_of_the_programs_is_kept(app, recorder):
    """A task that holds nothing but its nursery stands between, and a second run has tasks of its own."""
    for _ in range(2):
        trio.run(app.nested)
    tree = ["nested: Thing", "  nested: Nursery", "    child-1: Nursery", "      leaf: Thing"]
    assert recorder.tree() == [*tree, *(line.replace("nested", "nested-2").replace("-1", "-2") for line in tree)]
    assert ends(recorder)[:3] == [("leaf", "child-1", "ok"), ("child-1", "nested", "ok"), ("nested", "", "ok")]


def test_a_failure_ends_the_task_and_its_parent(app, recorder):
    """The exception of the task; its nursery raises it in a group."""
    with pytest.raises(ExceptionGroup):
        trio.run(app.nested, True)
    assert ends(recorder) == [("leaf", "child-1", "ok"), ("child-1", "nested", "error"), ("nested", "", "error")]
    assert [line for line in recorder.lines() if line.startswith("nested")] == [
        "nested: app.Thing, ok error(ExceptionGroup) goes on",
        "nested: trio.Nursery, ok ok error(ExceptionGroup)",
    ]


def test_trios_cancellation_is_a_cancellation(app, recorder):
    """trio.Cancelled is no error, in what is held and at the end of the task."""
    trio.run(app.cancelling)
    assert recorder.lines() == [
        "cancelling: trio.Nursery, ok ok ok",
        "forever-1: app.Thing, ok cancelled(Cancelled) goes on",
    ]
    assert ends(recorder) == [("forever-1", "cancelling", "cancelled"), ("cancelling", "", "ok")]


def test_a_task_that_is_started_belongs_to_the_task_that_waits_for_its_start(app, recorder):
    """``nursery.start()`` makes it in a nursery of that task."""
    trio.run(app.starting)
    assert recorder.tree() == ["starting: Nursery", "  started-1: Thing"]
    assert ends(recorder) == [("started-1", "starting", "ok"), ("starting", "", "ok")]


def test_locks_have_their_names_and_capacities(app, recorder):
    """By statement; of a condition that was given a lock, the lock is what is held."""
    trio.run(app.locks)
    assert recorder.lines() == [
        "locks: trio.Lock stock (1), ok ok ok",
        "locks: trio.Semaphore free (2), ok ok ok",
        "locks: trio.CapacityLimiter limit (3), ok ok ok",
        "locks: trio.Lock (1), ok ok ok",
    ]


def test_anyio_on_trio_is_recorded_as_anyio(app, recorder):
    """Its task groups and locks, once each; trio's nursery behind a task group is not recorded."""
    anyio.run(app.anyio_main, backend="trio")
    group, *locks = recorder.lines()
    assert group == "anyio_main: anyio.TaskGroup, ok ok ok"
    assert sorted(locks) == [  # trio begins tasks in any order
        "first: anyio.Lock lock (1), ok ok ok",
        "second: anyio.CapacityLimiter lock (1), ok ok ok",
    ]
    assert {parent for _, parent, _ in ends(recorder)} == {"anyio_main", ""}


def test_a_run_that_recording_meets_halfway_has_its_tasks():
    """They are found at their first lifecycles, under the tasks of their nurseries, whose creation was not seen."""
    lines = []

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(worker)

    async def worker():
        with testing.recorder() as recorder:
            await recorder.load(PROGRAM).nested()
            (batch,) = recorder.batches()
        names = {task.id: task.name for task in batch.tasks} | {0: ""}
        lines.extend((task.name.rpartition(">.")[2], names[task.parent], task.created_ns) for task in batch.tasks)

    trio.run(main)
    assert [line[:2] for line in lines] == [
        ("worker-1", "main"),
        ("main", ""),
        ("child-1", "worker-1"),
        ("leaf", "child-1"),
    ]
    assert [line[2] is None for line in lines] == [True, True, False, False]


def test_asyncio_and_trio_in_two_threads_do_not_meet(app, recorder):
    """Each thread's tasks are those of its own library."""
    errors = queue.SimpleQueue()

    def run_trio():
        try:
            trio.run(app.nested)
        except BaseException as error:  # noqa: BLE001  # for the main thread
            errors.put(error)

    thread = threading.Thread(target=run_trio)
    thread.start()
    asyncio.run(app.plain())
    thread.join()
    assert errors.empty()
    assert sorted(recorder.tree()) == sorted(
        ["nested: Thing", "  nested: Nursery", "    child-1: Nursery", "      leaf: Thing", "plain: Thing"]
    )


def test_trio_inside_a_task_of_asyncio_has_its_own_tasks(app, recorder):
    """The task of asyncio is itself again afterwards."""
    asyncio.run(app.asyncio_main(lambda: trio.run(app.siblings)))
    assert recorder.tree() == [
        "asyncio_main: Thing",
        "siblings: Nursery",
        "  hold-1: Thing",
        "  hold-2: Thing",
        "  hold-3: Thing",
        "asyncio_main: Thing",
    ]
    assert tracer.current.tasks.hosts == set()


def test_asyncio_inside_a_task_of_trio_has_its_own_tasks(app, recorder):
    """The task of trio is itself again afterwards."""

    async def outside():
        await app.grandchild()
        asyncio.run(app.plain())
        await app.grandchild()

    trio.run(outside)
    assert [line.partition(" ")[0] for line in recorder.tree()] == ["outside:", "plain:", "outside:"]


def test_trio_as_a_guest_of_asyncio_has_its_own_tasks(app, recorder):
    """Its steps run in callbacks of asyncio's loop, between the steps of asyncio's tasks."""

    async def host():
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        trio.lowlevel.start_guest_run(
            app.nested, run_sync_soon_threadsafe=loop.call_soon_threadsafe, done_callback=lambda _: done.set()
        )
        await app.plain()
        await done.wait()

    asyncio.run(host())
    tree = recorder.tree()
    assert [line for line in tree if "host" in line] == ["host: Thing"]
    assert [line for line in tree if "host" not in line] == [
        "nested: Thing",
        "  nested: Nursery",
        "    child-1: Nursery",
        "      leaf: Thing",
    ]


def test_after_recording_trio_is_as_before():
    """The functions of the runner are its own again."""
    run = trio._core._run
    before = dict(vars(run.Runner)), dict(vars(run))
    with testing.recorder():
        assert (dict(vars(run.Runner)), dict(vars(run))) != before
    assert (dict(vars(run.Runner)), dict(vars(run))) == before


def test_a_trio_of_another_shape_is_refused(app, recorder, capfd, caplog):
    """Nothing of its threads is recorded; one line says so, and asyncio is recorded as ever."""
    unknown = types.ModuleType("trio")
    unknown.__version__ = "9.0"
    unknown.lowlevel = trio.lowlevel
    unknown._core = types.ModuleType("trio._core")
    adapters._installer("trio")(unknown)
    for _ in range(2):
        trio.run(app.siblings)
    asyncio.run(app.plain())
    assert recorder.tree() == ["plain: Thing"]
    line = "tenure: not recorded: trio 9.0 (this version of Tenure does not know how it keeps its tasks)\n"
    assert capfd.readouterr().err == line
    (record,) = caplog.records
    assert record.getMessage().startswith("tenure: the adapter trio for trio ")
