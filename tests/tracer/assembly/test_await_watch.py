"""What unfinished tasks await."""

import asyncio
import gc
import weakref
from collections.abc import Callable, Iterator
from types import CodeType, ModuleType

import pytest
from tests.support.waiting import until
from tests.tracer.support.waiting_tasks import AWAITS, EXPECTED, LIBRARY

from tenure import testing
from tenure._assembly.await_watch import LOOK_INTERVAL_NS, TASKS_A_LOOK, AwaitWatch, TaskAwait
from tenure._identify import await_chain, sites, tracer

LATER = 2 * LOOK_INTERVAL_NS


@pytest.fixture
def recorder() -> Iterator[testing.Recorder]:
    with testing.recorder() as recorder:
        yield recorder


def is_own(code: CodeType) -> bool:
    return code.co_filename == "app.py"


def looks(count: int, watch: AwaitWatch | None = None, begin: int = 0) -> list[TaskAwait]:
    watch = watch or AwaitWatch(is_own)
    return [entry for number in range(count) for entry in watch.look(begin + number * LATER)]


async def first_awaits(app: ModuleType, way: str, count: int = 2) -> TaskAwait:
    """What the task of this method is seen to await."""
    ways = app.Ways()
    await ways.prepare()
    task = asyncio.create_task(getattr(ways, way)(), name="under test")
    await asyncio.sleep(0.02)
    await until(lambda: ways.is_ready)
    await asyncio.sleep(0)
    try:
        return next(entry for entry in looks(count) if entry.task.name == "under test")
    finally:
        task.cancel()
        ways.other.cancel()
        ways.writer.close()
        ways.right.close()
        await asyncio.gather(task, ways.other, return_exceptions=True)


@pytest.mark.parametrize("way", EXPECTED)
def test_what_is_awaited_and_where(recorder: testing.Recorder, way: str) -> None:
    app = recorder.load(AWAITS)
    app.Limiter = recorder.load(LIBRARY, "library").Limiter
    entry = asyncio.run(first_awaits(app, way))
    assert (entry.awaited, sites.Site.of(entry.site).function) == EXPECTED[way]


@pytest.mark.parametrize(
    ("way", "kind"), [("lock_acquire", "Lock"), ("lock_statement", "Lock"), ("semaphore_statement", "Semaphore")]
)
def test_the_resource_that_it_waits_for(recorder: testing.Recorder, way: str, kind: str) -> None:
    entry = asyncio.run(first_awaits(recorder.load(AWAITS), way))
    assert tracer.current.resource_ids.table[entry.resource].kind == f"asyncio.locks.{kind}"


def test_a_method_of_a_held_resource_is_no_wait_for_it(recorder: testing.Recorder) -> None:
    """The program's own method awaits something else while its object is held."""
    app = recorder.load(
        """
    import asyncio
    class Pool:
        async def __aenter__(self): return self
        async def __aexit__(self, *details): pass
        async def acquire(self): await asyncio.sleep(60)
    async def use(pool):
        async with pool: pass
        async with pool: await pool.acquire()
    """
    )

    async def main() -> list[TaskAwait]:
        task = asyncio.create_task(app.use(app.Pool()))
        await asyncio.sleep(0)
        seen = looks(2)
        task.cancel()
        return seen

    (entry,) = asyncio.run(main())
    assert (entry.awaited, entry.resource) == ("sleep 60 s", 0)


def test_a_task_is_told_once_and_again_when_it_has_moved() -> None:
    async def wait(event: asyncio.Event) -> None:
        while True:
            await event.wait()
            event.clear()

    async def main() -> list[list[tuple[str, int]]]:
        event, watch, told = asyncio.Event(), AwaitWatch(lambda code: code.co_filename == __file__), []
        task = asyncio.create_task(wait(event))
        await asyncio.sleep(0)
        for number in range(6):
            if number == 3:
                event.set()
                await asyncio.sleep(0.01)
            told.append([(entry.awaited, entry.since_ns) for entry in watch.look(number * LATER)])
        task.cancel()
        return told

    with testing.recorder():
        told = asyncio.run(main())
    assert told == [[], [("Event.wait", 0)], [], [("", 3 * LATER)], [("Event.wait", 3 * LATER)], []]


def test_a_task_that_moves_is_never_told() -> None:
    async def spin() -> None:
        while True:  # noqa: ASYNC110  # to move
            await asyncio.sleep(0.001)

    async def main() -> list[TaskAwait]:
        task, watch, seen = asyncio.create_task(spin()), AwaitWatch(is_own), []
        for number in range(20):
            await asyncio.sleep(0.005)
            seen += watch.look(number * LATER)
        task.cancel()
        return seen

    with testing.recorder():
        assert asyncio.run(main()) == []


def test_at_most_a_thousand_a_second() -> None:
    async def main() -> list[int]:
        tasks = [asyncio.create_task(asyncio.sleep(60)) for _ in range(3 * TASKS_A_LOOK)]
        await asyncio.sleep(0)
        watch = AwaitWatch(is_own)
        told = [len(watch.look(number * LOOK_INTERVAL_NS // 2)) for number in range(20)]
        for task in tasks:
            task.cancel()
        return told

    with testing.recorder():
        told = asyncio.run(main())
    assert sum(told) == 3 * TASKS_A_LOOK
    assert max(told) == TASKS_A_LOOK
    assert told[1::2] == [0] * 10, "only each 0.1 s"


def test_a_library_s_task_has_the_line_that_made_it() -> None:
    async def main() -> list[TaskAwait]:
        task = asyncio.create_task(asyncio.Queue().get())
        await asyncio.sleep(0)
        seen = looks(2)
        task.cancel()
        return seen

    with testing.recorder():
        (entry,) = asyncio.run(main())
    site = sites.Site.of(sites.settled(entry.site))
    assert (entry.awaited, site.expression, site.file) == ("Queue.get", "asyncio.Queue().get()", __file__)


TRIO = """
import trio
async def sleep(): await trio.sleep(3)
async def event(): await trio.Event().wait()
async def receive(): await trio.open_memory_channel(0)[1].receive()
async def nursery():
    async with trio.open_nursery() as inner: inner.start_soon(trio.sleep_forever)
async def spin():
    while True: await trio.sleep(0)
"""


def test_trio(recorder: testing.Recorder) -> None:
    """Its tasks wait for no future."""
    trio = pytest.importorskip("trio")
    app = recorder.load(TRIO)
    watch, told = AwaitWatch(is_own), []

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for way in (app.sleep, app.event, app.receive, app.nursery, app.spin):
                nursery.start_soon(way)
            for _ in range(20):
                await trio.lowlevel.checkpoint()
            told.extend(looks(2, watch))
            nursery.cancel_scope.cancel()
        told.extend(looks(1, watch, 10 * LATER))

    trio.run(main)
    seen = {entry.task.coroutine: entry.awaited for entry in told if entry.site}
    assert seen == {
        "sleep": "sleep 3 s",
        "event": "Event.wait",
        "receive": "MemoryReceiveChannel.receive",
        "nursery": "NurseryManager.__aexit__",
        "sleep_forever": "sleep_forever",  # at the line that started it
    }


def test_nothing_is_kept_alive(recorder: testing.Recorder) -> None:
    """Neither the task and its coroutine, nor what its variables refer to."""
    app = recorder.load(
        """
    import asyncio
    class Thing: pass
    async def hold(thing, future): await future
    """
    )

    async def main() -> tuple[AwaitWatch, list[Callable[[], object]]]:
        thing, watch = app.Thing(), AwaitWatch(is_own)
        future = asyncio.get_running_loop().create_future()
        coroutine = app.hold(thing, future)
        task = asyncio.create_task(coroutine)
        dead = [weakref.ref(thing), weakref.ref(future), weakref.ref(coroutine), weakref.ref(task)]
        await asyncio.sleep(0)
        assert [entry.awaited for entry in looks(2, watch)] == ["Future"]
        future.set_result(None)
        await task
        return watch, dead

    gc.disable()
    try:
        _watch, dead = asyncio.run(main())
        assert [reference() for reference in dead] == [None] * 4
    finally:
        gc.enable()


def test_no_code_of_the_program_runs() -> None:
    """Neither of its awaitables, nor of its subclasses of tasks and futures."""
    called = []

    class Nosy:
        def __getattribute__(self, name: str) -> object:
            called.append(name)
            return super().__getattribute__(name)

    class Future(Nosy, asyncio.Future):
        pass

    class Task(Nosy, asyncio.Task):
        pass

    async def wait(future: asyncio.Future[None]) -> None:
        await future

    async def main() -> list[TaskAwait]:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coroutine, **named: Task(coroutine, loop=loop, **named))
        task = asyncio.create_task(wait(Future(loop=loop)), name="t")
        await asyncio.sleep(0)
        called.clear()
        seen = looks(2)
        assert called == []
        task.cancel()
        return seen

    with testing.recorder():
        (entry,) = asyncio.run(main())
    assert entry.awaited == "Future"


def test_tasks_written_in_python() -> None:
    """Asyncio's own classes without its C: a program may use them, and pure ones are what a debugger steps through."""

    async def wait(future: object) -> None:
        await future

    async def main() -> list[TaskAwait]:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coroutine, **named: asyncio.tasks._PyTask(coroutine, loop=loop, **named))
        tracer.current.tasks.known.clear()
        entry = loop.create_task(wait(asyncio.futures._PyFuture(loop=loop)))
        await asyncio.sleep(0)
        row: await_chain.Row = [weakref.ref(entry), None, False, 0]
        assert await_chain.looks([row], 0, {}) == []
        (standing,) = await_chain.looks([row], 1, {})
        entry.cancel()
        return [standing]

    with testing.recorder():
        (standing,) = asyncio.run(main())
    assert [code.co_name for code, _ in standing.levels] == ["wait", "__await__"]
    assert standing.tail is asyncio.futures._PyFuture
