"""Methods of libraries that others wrap, by functools, by wrapt or by a package that retries and measures."""

import asyncio
import functools
import inspect

import asyncpg
import psycopg_pool
import pytest
import wrapt

RETRYING = """
async def call(function, *arguments):
    return await function(*arguments)
"""


@pytest.fixture
def retrying():
    """A function of a package that calls for its caller."""
    names = {"__name__": "tenacity.asyncio"}
    exec(compile(RETRYING, "/lib/tenacity/asyncio.py", "exec"), names)
    return names["call"]


async def forward(wrapped, _, arguments, named):
    return await wrapped(*arguments, **named)


def wrapping(function):
    @functools.wraps(function)
    async def wrapper(*arguments, **named):
        return await function(*arguments, **named)

    return wrapper


async def opened(postgres):
    return await asyncpg.create_pool(f"postgresql:{postgres}", min_size=1, max_size=2)


def uses(recorder):
    """The function and the expression of each use of a pool, without its opening."""
    sites, resources = recorder.sites(), recorder.resources()
    return [
        (site.function.rpartition(".")[2], site.expression)
        for site, resource in zip(sites, resources, strict=True)
        if not resource.kind.endswith(".open")
    ]


def test_what_only_calls_for_its_caller_is_no_site(recorder, postgres, retrying):
    """The line is the program's that calls the partial, the wrapper or the retrying function, also from a task."""

    async def main():
        pool = await opened(postgres)
        wrapped = wrapt.FunctionWrapper(pool.fetch, lambda fetch, _, arguments, named: fetch(*arguments, **named))
        partial = functools.partial(pool.fetch, "SELECT 1")
        await partial()
        await wrapped("SELECT 1")
        await retrying(pool.fetch, "SELECT 1")
        await asyncio.create_task(partial())
        await asyncio.create_task(wrapped("SELECT 1"))
        await asyncio.create_task(retrying(pool.fetch, "SELECT 1"))
        await pool.close()

    asyncio.run(main())
    calls = ["partial()", "wrapped('…')", "retrying(pool.fetch, '…')"]
    assert uses(recorder) == [("main", call) for call in calls * 2]


INSTRUMENTING = """
async def trace(coro):
    return await coro
"""


@pytest.fixture
def instrumenting():
    """A function of a package that runs a coroutine for its caller."""
    names = {"__name__": "opentelemetry.instrumentation.asyncio"}
    exec(compile(INSTRUMENTING, "/lib/opentelemetry/instrumentation/asyncio.py", "exec"), names)
    return names["trace"]


def test_a_task_of_a_wrapper_is_named_by_what_it_runs(recorder, postgres, retrying, instrumenting):
    """By the coroutine or the function; a task that only acquires acquires for its maker, through a wrapper too."""

    async def main():
        pool, lock = await opened(postgres), asyncio.Lock()
        await asyncio.create_task(instrumenting(pool.fetch("SELECT 1")))
        await asyncio.create_task(retrying(pool.fetchval, "SELECT 1"))
        await asyncio.create_task(instrumenting(lock.acquire()))
        lock.release()
        await pool.close()

    lines = [line for line in recorder.run(main()) if ".open" not in line]
    assert [line.partition(":")[0] for line in lines] == ["Pool.fetch-1", "Pool.fetchval-1", "main"]
    assert [lifecycle.released_by for lifecycle in recorder.lifecycles()] == [""] * 4


def test_installed_code_that_makes_a_task_of_a_librarys_call_is_no_site(recorder, postgres, tmp_path, monkeypatch):
    """It makes it for its caller, as a job queue or a cache does."""
    package = tmp_path / "site-packages" / "queue_of_jobs.py"
    package.parent.mkdir()
    package.write_text("import asyncio\ndef submit(call):\n    return asyncio.create_task(call)\n")
    monkeypatch.syspath_prepend(package.parent)
    import queue_of_jobs  # noqa: PLC0415  # it exists from here on

    async def main():
        pool = await opened(postgres)
        await queue_of_jobs.submit(pool.fetch("SELECT 1"))
        await pool.close()

    asyncio.run(main())
    assert uses(recorder) == [("main", "queue_of_jobs.submit(pool.fetch('…'))")]


@pytest.mark.parametrize("wrap", [wrapping, lambda function: wrapt.FunctionWrapper(function, forward)])
def test_a_method_that_is_wrapped_after_tenure_is_recorded_once(recorder, postgres, monkeypatch, wrap):
    """Whether the program calls the wrapped method or the library does; at the wrapper's line or at the caller's."""

    async def main():
        pool = psycopg_pool.AsyncConnectionPool(f"postgresql:{postgres}", min_size=1, open=False)
        await pool.open()
        monkeypatch.setattr(psycopg_pool.AsyncConnectionPool, "getconn", wrap(psycopg_pool.AsyncConnectionPool.getconn))
        assert inspect.iscoroutinefunction(pool.getconn)
        async with pool.connection():
            pass
        await pool.putconn(await asyncio.wait_for(pool.getconn(), 5))
        await pool.close()

    lines = [line for line in recorder.run(main()) if ".open" not in line]
    assert [line.partition(", ")[2] for line in lines] == ["ok ok ok", "ok ok ok"]
    assert uses(recorder)[0] == ("main", "pool.connection()")


def test_a_method_that_was_wrapped_before_tenure_is_recorded(postgres, monkeypatch):
    """The wrapper is patched as a method of its own."""
    monkeypatch.setattr(psycopg_pool.AsyncConnectionPool, "getconn", wrapping(psycopg_pool.AsyncConnectionPool.getconn))
    from tests.tracer.conftest import Recorder  # noqa: PLC0415  # the fixture's would begin before

    recorder = Recorder()

    async def main():
        pool = psycopg_pool.AsyncConnectionPool(f"postgresql:{postgres}", min_size=1, open=False)
        await pool.open()
        connection = await asyncio.create_task(pool.getconn())
        await pool.putconn(connection)
        await pool.close()

    try:
        lines = [line for line in recorder.run(main()) if ".open" not in line]
        assert [line.partition(", ")[2] for line in lines] == ["ok ok ok"]
        assert uses(recorder) == [("main", "pool.getconn()")]
    finally:
        recorder.stop()


def test_a_call_that_is_awaited_later_is_recorded_where_it_was_made(recorder, postgres):
    """At the line and with the text of the call, if the variable has its value for certain; also as a task."""

    async def main():
        pool = await opened(postgres)
        call = pool.fetch("SELECT 1")
        await asyncio.sleep(0)
        await call
        other = pool.fetchval("SELECT 1")
        await asyncio.wait_for(other, 5)
        again = pool.fetchrow("SELECT 1")
        await again
        if pool is not None:
            again = pool.execute("SELECT 2")
        await again
        await pool.close()

    asyncio.run(main())
    calls = "pool.fetch('…')", "pool.fetchval('…')", "pool.fetchrow('…')", "again"
    assert uses(recorder) == [("main", call) for call in calls]
    first = main.__code__.co_firstlineno
    assert [site.line - first for site in recorder.sites()[1:]] == [2, 5, 7, 11]


def test_a_helper_that_makes_the_task_is_no_site(recorder, postgres):
    """The line that gave it the coroutine is, also from a list and through two helpers."""

    async def all_of(*calls):
        await asyncio.gather(*calls)

    async def each(calls):
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(call)

    def spawn(call):
        return asyncio.create_task(call)

    def spawn_later(call):
        return spawn(call)

    async def main():
        pool = await opened(postgres)
        await spawn(pool.fetch("SELECT 1"))
        await spawn_later(pool.fetchval("SELECT 1"))
        await all_of(pool.execute("SELECT 1"))
        await each([pool.fetchrow("SELECT 1")])
        await pool.close()

    asyncio.run(main())
    texts = "spawn(pool.fetch('…'))", "spawn_later(pool.fetchval('…'))", "all_of(pool.execute('…'))"
    sites = [site for site in uses(recorder) if "TaskGroup" not in site[1]]
    assert sites == [("main", text) for text in (*texts, "each([pool.fetchrow('…')])")]
