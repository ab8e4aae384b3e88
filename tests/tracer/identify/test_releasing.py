"""Which task released, where another one acquired; and where each task runs."""

import asyncio
import threading
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import pytest

PROGRAM = """
import asyncio
from contextlib import AsyncExitStack, aclosing, asynccontextmanager


class Connection:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *details):
        await asyncio.sleep(0)


@asynccontextmanager
async def session():
    yield "session"


async def rows():
    async with Connection():
        yield 1
        yield 2


async def alone():
    async with Connection():
        await asyncio.sleep(0)


class Opened:
    def __init__(self):
        self.stack = AsyncExitStack()
        self.lock = asyncio.Lock()
        self.slots = asyncio.Semaphore(2)
        self.rows = rows()
        self.session = session()
        self.condition = asyncio.Condition()
"""


@pytest.fixture
def app(recorder):
    """The program, rewritten."""
    return recorder._recorder.load(PROGRAM)


class Forms:
    """How something is opened, and how it is closed by another task."""

    @staticmethod
    async def open_stack(opened, app):
        await opened.stack.enter_async_context(app.Connection())

    @staticmethod
    async def close_stack(opened, app):
        await opened.stack.aclose()

    @staticmethod
    async def open_lock(opened, app):
        await opened.lock.acquire()

    @staticmethod
    async def close_lock(opened, app):
        opened.lock.release()

    @staticmethod
    async def open_slots(opened, app):
        await opened.slots.acquire()

    @staticmethod
    async def close_slots(opened, app):
        opened.slots.release()

    @staticmethod
    async def open_condition(opened, app):
        await opened.condition.acquire()

    @staticmethod
    async def close_condition(opened, app):
        opened.condition.release()

    @staticmethod
    async def open_rows(opened, app):
        await anext(opened.rows)

    @staticmethod
    async def close_rows(opened, app):
        async for _ in opened.rows:
            pass

    @staticmethod
    async def open_session(opened, app):
        await opened.session.__aenter__()

    @staticmethod
    async def close_session(opened, app):
        await opened.session.__aexit__(None, None, None)

    @staticmethod
    async def open_statement(opened, app):
        await opened.lock.__aenter__()

    @staticmethod
    async def close_statement(opened, app):
        await opened.lock.__aexit__(None, None, None)


@pytest.mark.parametrize("form", ["stack", "lock", "slots", "condition", "rows", "session", "statement"])
def test_the_task_that_released_is_told(recorder, app, form):
    """Entered by "opener", left by "closer", which is still there when the lifecycle ends."""

    async def main():
        opened = app.Opened()
        await asyncio.create_task(getattr(Forms, f"open_{form}")(opened, app), name="opener")
        seen = [use.released_by for use in recorder.lifecycles()]
        await asyncio.create_task(getattr(Forms, f"close_{form}")(opened, app), name="closer")
        return seen

    assert asyncio.run(main()) == [""]
    assert [(use.task, use.released_by, use.outcomes) for use in recorder.lifecycles()] == [
        ("opener", "closer", "ok ok ok")
    ]
    assert [(task.name, task.loop, task.thread) for task in recorder.tasks()][:2] == [
        ("opener", 1, "MainThread"),
        ("closer", 1, "MainThread"),
    ]


def test_who_releases_what_it_acquired_is_not_told(recorder, app):
    """Nearly all."""

    async def main():
        await app.alone()
        opened = app.Opened()
        for form in ("stack", "lock", "slots", "condition", "rows", "session", "statement"):
            await getattr(Forms, f"open_{form}")(opened, app)
            await getattr(Forms, f"close_{form}")(opened, app)

    asyncio.run(main())
    assert len(recorder.lifecycles()) == 8
    assert [use for use in recorder.lifecycles() if use.released_by or use.outcomes != "ok ok ok"] == []


def test_a_task_of_a_librarys_coroutine_releases_for_its_maker(recorder, app):
    """A statement's exit that the library runs in a task of its own is its caller's."""

    async def main():
        stack = AsyncExitStack()
        await stack.enter_async_context(app.Connection())
        lock = asyncio.Lock()
        await lock.acquire()
        await asyncio.create_task(lock.__aexit__(None, None, None))

    asyncio.run(main())
    assert [(use.released_by, use.outcomes) for use in recorder.lifecycles()] == [("", "ok - -"), ("", "ok ok ok")]


def test_what_a_callback_of_the_loop_releases_is_released_by_the_thread(recorder):
    """No task runs then."""

    async def main():
        lock = asyncio.Lock()
        await lock.acquire()
        asyncio.get_running_loop().call_soon(lock.release)
        await asyncio.sleep(0.001)

    asyncio.run(main())
    assert [use.released_by for use in recorder.lifecycles()] == ["MainThread"]


def test_a_release_in_another_loop_and_thread_is_told(recorder, app):
    """The task that released has the number of its loop and the name of its thread."""
    opened = app.Opened()
    asyncio.run(Forms.open_stack(opened, app))
    thread = threading.Thread(target=lambda: asyncio.run(Forms.close_stack(opened, app)), name="other")
    thread.start()
    thread.join()
    (use,) = recorder.lifecycles()
    homes = {task.name: (task.loop, task.thread) for task in recorder.tasks()}
    assert (homes[use.task], homes[use.released_by]) == ((1, "MainThread"), (2, "other"))


def test_a_generator_that_is_not_rewritten_tells_too(recorder):
    """Through contextlib's handle, which several tasks may use."""

    @asynccontextmanager
    async def session():
        yield

    async def values():
        yield 1

    async def main():
        for manager in (session(), aclosing(values())):
            await asyncio.create_task(manager.__aenter__(), name="opener")
            await asyncio.create_task(manager.__aexit__(None, None, None), name="closer")

    asyncio.run(main())
    assert [use.released_by for use in recorder.lifecycles()] == ["closer", "closer"]
