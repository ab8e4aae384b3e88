"""Programs on uvloop are recorded as on asyncio's own loop."""

import asyncio
import threading

import anyio
import pytest
import uvloop
from tests.support.waiting import until

from tenure._identify import task_origins


async def hold_everything(stock):
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(hold(stock), name="first")
        group.create_task(hold(stock), name="second")


async def hold(stock):
    async with stock:
        await asyncio.sleep(0.001)


async def acquire_by_hand(stock):
    await stock.acquire()
    try:
        await asyncio.sleep(0)
    finally:
        stock.release()


async def fail(stock):
    async with stock:
        raise LookupError("no such order")


async def wait_in_vain(stock):
    async with asyncio.timeout(0.01):
        await asyncio.sleep(5)


def by_run(main):
    return uvloop.run(main)


def by_a_runner(main):
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def by_hand(main):
    loop = uvloop.new_event_loop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()


def own(recorder):
    """All but the runner that ``by_a_runner`` enters."""
    return [line for line in recorder.lines() if "Runner" not in line]


@pytest.fixture(params=[by_run, by_a_runner, by_hand])
def run(request):
    """Runs a coroutine on uvloop, once in each way."""
    return request.param


def test_locks_task_groups_and_timeouts_are_told_with_their_tasks(recorder, run):
    """Each by its task, in the order of the acquires, the waiting one included."""
    run(hold_everything(asyncio.Lock()))
    assert own(recorder) == [
        "hold_everything: asyncio.timeout 5 s, ok ok ok",
        "hold_everything: asyncio.taskgroups.TaskGroup, ok ok ok",
        "first: asyncio.locks.Lock stock (1), ok ok ok",
        "second: asyncio.locks.Lock stock (1), ok ok ok",
    ]
    tree = [line for line in recorder.tree() if "Runner" not in line]
    first, *others = (len(line) - len(line.lstrip()) for line in tree)
    assert [depth - first for depth in others] == [2, 4, 4]


def test_the_runner_within_uvloop_run_is_not_told_of(recorder):
    """As that within asyncio.run is not."""
    assert uvloop.run(hold(asyncio.Lock())) is None
    assert recorder.lines() == ["hold: asyncio.locks.Lock stock (1), ok ok ok"]


def test_tasks_are_told_from_their_creation_to_their_end(recorder, run):
    """Who made each, and how it ended."""

    async def main():
        stock = asyncio.Lock()
        failing = asyncio.create_task(fail(stock), name="failing")
        await asyncio.gather(failing, return_exceptions=True)
        waiting = asyncio.create_task(wait_in_vain(stock), name="waiting")
        await asyncio.gather(waiting, return_exceptions=True)
        async with stock:
            hanging = asyncio.create_task(hold(stock), name="hanging")
            await until(lambda: any(line.startswith("hanging") for line in recorder.lines()))
            hanging.cancel()
            await asyncio.gather(hanging, return_exceptions=True)

    run(main())
    made = {task.name: task for task in recorder.tasks() if task.kind == "task"}
    main_id = next(task.id for name, task in made.items() if name.endswith("main"))
    assert [name for name in made if not name.endswith("main")] == ["failing", "waiting", "hanging"]
    assert {task.parent for name, task in made.items() if not name.endswith("main")} == {main_id}
    assert all(task.created_ns < task.finished_ns for task in made.values())
    assert [line.partition(", ")[2] for line in own(recorder) if not line.startswith(("test", "main"))] == [
        "ok error(LookupError) goes on",
        "ok cancelled(CancelledError) error(TimeoutError)",
        "cancelled(CancelledError)",
    ]


def test_an_acquire_by_hand_is_held_until_its_release(recorder, run):
    """As on asyncio's loop."""
    run(acquire_by_hand(asyncio.Semaphore(3)))
    assert own(recorder) == ["acquire_by_hand: asyncio.locks.Semaphore stock (3), ok ok ok"]


def test_rewritten_code_is_recorded_alike(recorder, run, rewritten):
    """The stamps know which task runs."""
    run(rewritten(hold)(asyncio.Lock()))
    assert own(recorder) == ["hold: asyncio.locks.Lock stock (1), ok ok ok"]


def test_several_loops_in_several_threads_keep_their_tasks_apart(recorder):
    """Two of uvloop's and one of asyncio's at once; each task is its own."""
    together = threading.Barrier(3)

    async def main(name):
        asyncio.current_task().set_name(name)
        for _ in range(20):
            await hold(asyncio.Lock())

    def thread(run, name):
        together.wait()
        run(main(name))

    ways = {"first": by_run, "second": by_hand, "third": asyncio.run}
    threads = [threading.Thread(target=thread, args=(run, name)) for name, run in ways.items()]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    held = [line.partition(":")[0] for line in own(recorder) if "Lock" in line]
    assert {name: held.count(name) for name in ways} == dict.fromkeys(ways, 20)
    assert len(held) == 60


def test_one_loop_after_the_other_in_one_thread(recorder):
    """A task's address may be another task's later, and so may a loop's."""
    for _ in range(3):
        uvloop.run(hold(asyncio.Lock()))
        asyncio.run(hold(asyncio.Lock()))
    assert len({lifecycle.id for lifecycle in recorder.lifecycles()}) == 6
    assert {line.partition(", ")[2] for line in own(recorder)} == {"ok ok ok"}
    assert len([task for task in recorder.tasks() if task.kind == "task"]) == 6


def test_anyio_on_uvloop_is_told_as_on_asyncio(recorder):
    """Its task groups, its scopes and its locks; what it uses within itself is not."""

    async def main():
        limiter = anyio.CapacityLimiter(2)
        with anyio.move_on_after(5):
            async with anyio.create_task_group() as group:
                group.start_soon(held, limiter, name="child")

    async def held(limiter):
        async with limiter:
            await anyio.lowlevel.checkpoint()

    def lines(*, use_uvloop):
        before = len(recorder.lines())
        anyio.run(main, backend_options={"use_uvloop": use_uvloop})
        return [line.partition(": ")[2].replace(" #2", "") for line in own(recorder)[before:]]  # of two limiters

    on_asyncio, on_uvloop = lines(use_uvloop=False), lines(use_uvloop=True)
    assert on_uvloop == on_asyncio
    assert [line.partition(", ")[0] for line in on_uvloop if "CapacityLimiter" in line] == [
        "anyio.CapacityLimiter limiter (2)"
    ]


def test_a_task_is_made_as_ever(recorder, run):
    """Its name, its context, its coroutine; uvloop's own complaint of a wrong argument comes through."""

    async def main():
        loop = asyncio.get_running_loop()
        coroutine = hold(asyncio.Lock())
        task = loop.create_task(coroutine, name="named")
        with pytest.raises(TypeError):
            task = loop.create_task(coroutine, wrong=1)
        await task
        return type(loop).__module__.partition(".")[0], task.get_name(), task.get_coro() is coroutine

    assert run(main()) == ("uvloop", "named", True)


async def make_a_task_in_a_callback():
    asyncio.get_running_loop().call_soon(asyncio.ensure_future, asyncio.sleep(5))
    await asyncio.sleep(0)
    (task,) = asyncio.all_tasks() - {asyncio.current_task()}
    task.cancel()
    return task_origins.of(task)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_who_runs_the_loop_makes_no_task_in_its_callbacks(recorder, new_loop):
    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(make_a_task_in_a_callback()) is None
