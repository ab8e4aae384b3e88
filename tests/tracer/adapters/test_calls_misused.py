"""Coroutines of recorded methods that are not awaited once, in one loop: the program sees what Python does."""

import asyncio
import gc
import inspect
import types
import warnings

import asyncpg
import psycopg
import psycopg_pool
import pytest
from tests.support.waiting import until

from tenure import testing

NOWHERE = "postgresql://nobody@127.0.0.1:9/nowhere"


def closed_pool():
    return psycopg_pool.AsyncConnectionPool(NOWHERE, min_size=0, max_size=1, open=False)


MAKERS = {
    "Lock.acquire": lambda: asyncio.Lock().acquire(),
    "Lock.__aenter__": lambda: asyncio.Lock().__aenter__(),
    "Semaphore.acquire": lambda: asyncio.Semaphore(2).acquire(),
    "AsyncConnectionPool.getconn": lambda: closed_pool().getconn(),
    "AsyncConnection.connect": lambda: psycopg.AsyncConnection.connect(NOWHERE),
    "asyncpg.connect": lambda: asyncpg.connect(NOWHERE),
}


def told(error):
    return repr(error), type(error.__context__)


async def await_it(coroutine):
    try:
        return await coroutine
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is compared
        return told(error)


async def never_awaited(make):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        make()
        gc.collect()
    return [str(warning.message) for warning in warned]


async def closed(make):
    coroutine = make()
    coroutine.close()
    return [inspect.getcoroutinestate(coroutine), await await_it(coroutine)]


async def thrown_into(make):
    coroutine, seen = make(), []
    try:
        coroutine.throw(LookupError("not now"))
    except LookupError as error:
        seen.append(told(error))
    return [*seen, inspect.getcoroutinestate(coroutine), await await_it(coroutine)]


async def as_an_object(make):
    coroutine = make()
    seen = [
        inspect.iscoroutine(coroutine),
        asyncio.iscoroutine(coroutine),
        isinstance(coroutine, types.CoroutineType),
        coroutine.__name__,
        coroutine.__qualname__,
        coroutine.cr_await,
        coroutine.cr_running,
        coroutine.cr_frame is None,
        repr(coroutine).partition(" at ")[0],
    ]
    coroutine.close()
    return seen


async def with_wrong_arguments(make):
    seen = []
    for method in (asyncio.Lock().acquire, closed_pool().getconn, closed_pool().open, asyncpg.connect):
        try:
            method(1, 2, 3, 4)
        except TypeError as error:
            seen.append(str(error))
    return seen


@pytest.mark.parametrize("misuse", [never_awaited, closed, thrown_into, as_an_object, with_wrong_arguments])
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_never_begins_has_no_lifecycle(make, misuse):
    """Warnings, errors, states and names are those of the method itself."""
    plain = asyncio.run(misuse(make))
    with testing.recorder() as recorder:
        assert asyncio.run(misuse(make)) == plain
        assert recorder.lifecycles() == []


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_is_awaited_twice_is_refused_the_second_time(make):
    """In Python's words; the first time is recorded, as it ended."""

    async def twice():
        coroutine = make()
        first = await await_it(coroutine)
        return isinstance(first, tuple), await await_it(coroutine)

    plain = asyncio.run(twice())
    with testing.recorder() as recorder:
        assert asyncio.run(twice()) == plain
        assert len(recorder.lifecycles()) == 1
    assert plain[1] == ("RuntimeError('cannot reuse already awaited coroutine')", type(None))


def test_what_another_loop_awaits_is_told_of_it(recorder):
    """A lock that waits is bound to its loop: the acquire in the other one fails, and is recorded as that."""

    async def wait(lock):
        await lock.acquire()

    async def main():
        lock = asyncio.Lock()
        await lock.acquire()
        waiting = asyncio.create_task(wait(lock), name="waiting")
        await until(lambda: len(recorder.lines()) == 2)
        with pytest.raises(RuntimeError, match="is bound to a different event loop"):
            await asyncio.to_thread(lambda: asyncio.run(wait(lock)))
        lock.release()
        await waiting
        lock.release()

    assert [line.partition(", ")[2] for line in recorder.run(main())] == ["ok ok ok", "ok ok ok", "error(RuntimeError)"]


def test_a_coroutine_that_was_made_in_one_loop_runs_in_another(recorder):
    """The task is the one that runs it."""
    lock = asyncio.Lock()

    async def make():
        return lock.acquire()

    async def run(coroutine):
        await coroutine
        lock.release()

    coroutine = asyncio.run(make())
    assert recorder.run(run(coroutine)) == ["run: asyncio.locks.Lock coroutine (1), ok ok ok"]
