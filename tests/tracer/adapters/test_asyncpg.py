"""asyncpg with a real PostgreSQL."""

import asyncio
import gc
import inspect

import asyncpg
import pytest
from tests.tracer.support.pool_of_one import check_who_waits

OPEN = "run: asyncpg.pool.Pool.open shop, ok ok ok"  # with_pool's own


async def hold(pool, until=None):
    async with pool.acquire() as connection:
        if until is not None:
            await until.wait()
        return await connection.fetchval("SELECT 1")


async def hold_by_calls(pool):
    connection = await pool.acquire()
    try:
        return await connection.fetchval("SELECT 1")
    finally:
        await pool.release(connection)


async def in_time(pool):
    connection = await asyncio.wait_for(pool.acquire(timeout=5), 5)
    await pool.release(connection=connection, timeout=5)


async def ask(pool):
    return await pool.fetchval("SELECT 1")


async def fail_in_awaited(dsn):
    async with await asyncpg.create_pool(dsn, min_size=1, max_size=1):
        raise ValueError("no")


async def in_transaction(pool, sql):
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(sql)


@pytest.fixture
def with_pool(postgres):
    """Runs ``use(pool)`` with a pool of two connections that is open outside of all statements."""

    async def run(use, *arguments, size=2):
        pool = await asyncpg.create_pool(f"postgresql:{postgres}", min_size=1, max_size=size)
        try:
            return await use(pool, *arguments)
        finally:
            await pool.close()

    return run


@pytest.mark.parametrize("use", [hold, hold_by_calls, in_time, ask])
def test_a_connection_is_taken_from_the_pool_however_it_is_asked_for(recorder, written, with_pool, use):
    """By a statement, by calls, or within the pool's own methods: the pool is held, at the program's line."""
    assert recorder.run(with_pool(written(use))) == [OPEN, "run: asyncpg.pool.Pool shop (2), ok ok ok"]
    site = recorder.sites()[1]
    assert (site.file, site.function, site.enter) == (__file__, use.__name__, "acquire")
    assert recorder.resources()[1].stereotype == "database"


def test_all_ways_take_one_pool(recorder, written, with_pool):
    """One pool is one resource."""

    async def main(pool):
        for use in (hold, hold_by_calls, ask):
            await written(use)(pool)

    recorder.run(with_pool(main))
    assert len(set(recorder.resources()[1:])) == 1


def test_who_waits_for_a_connection_is_seen_to_wait(recorder, written, with_pool):
    """A pool of one: the second task acquires until the first has released."""
    check_who_waits(recorder, written(hold), with_pool, OPEN, "asyncpg.pool.Pool shop")


def test_a_transaction_that_fails_is_a_use_of_its_own(recorder, written, with_pool):
    """It is rolled back, the connection goes back to the pool, and the exception goes on."""

    async def main(pool):
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await written(in_transaction)(pool, "no SQL")

    assert recorder.run(with_pool(main)) == [
        OPEN,
        "run: asyncpg.pool.Pool shop (2), ok error(PostgresSyntaxError) goes on",
        "run: asyncpg.transaction.Transaction, ok error(PostgresSyntaxError) goes on",
    ]


@pytest.mark.parametrize("close", ["close", "terminate"])
def test_a_connection_of_its_own_is_held_until_it_is_closed(recorder, postgres, close):
    """By ``close()`` or by ``terminate()``; it is known by its database."""

    async def main():
        connection = await asyncpg.connect(f"postgresql:{postgres}")
        await connection.fetchval("SELECT 1")
        if inspect.isawaitable(closing := getattr(connection, close)()):
            await closing

    assert recorder.run(main()) == ["main: asyncpg.connection.Connection shop, ok ok ok"]
    site = recorder.sites()[0]
    assert (site.function.rpartition(".")[2], site.enter, site.exit) == ("main", "connect", "close")
    assert recorder.resources()[0].stereotype == "database"


def test_a_connection_that_cannot_be_made_in_time_or_at_all_was_never_held(recorder, postgres):
    """The program gets what asyncpg says."""

    async def main():
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncpg.connect(host="127.0.0.1", port=1, user="postgres", database="shop")
        with pytest.raises(asyncpg.InvalidCatalogNameError):
            await asyncpg.connect(f"postgresql:{postgres}", database="nowhere")
        connecting = asyncio.create_task(asyncpg.connect(f"postgresql:{postgres}"))
        await asyncio.sleep(0)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting

    assert recorder.run(main()) == [
        "main: asyncpg.connection.Connection shop, error(ConnectionRefusedError)",
        "main: asyncpg.connection.Connection nowhere, error(InvalidCatalogNameError)",
        "main: asyncpg.connection.Connection shop, cancelled(CancelledError)",
    ]


@pytest.mark.filterwarnings("ignore:unclosed connection:ResourceWarning")
def test_a_connection_that_is_dropped_is_held_no_more(recorder, postgres):
    """Asyncpg warns of it and ends it; its release failed."""

    async def main():
        connection = await asyncpg.connect(f"postgresql:{postgres}")
        await connection.fetchval("SELECT 1")
        del connection
        gc.collect()
        return recorder.lines()

    assert asyncio.run(main()) == ["main: asyncpg.connection.Connection shop, ok ok error(NeverClosed)"]


@pytest.mark.parametrize("ends", ["close", "terminate"])
def test_an_awaited_pool_is_open_until_it_is_closed(recorder, postgres, ends):
    """However it is closed; the connections that it opens for itself are its own affair."""

    async def main():
        pool = await asyncpg.create_pool(f"postgresql:{postgres}", min_size=2, max_size=2)
        if inspect.isawaitable(closing := getattr(pool, ends)()):
            await closing

    assert recorder.run(main()) == ["main: asyncpg.pool.Pool.open shop, ok ok ok"]
    site = recorder.sites()[0]
    assert (site.enter, site.exit) == ("create_pool", "close")


def test_a_pool_that_is_awaited_and_then_entered_is_open_once(recorder, written, postgres):
    """One lifecycle, and the statement's failure is its body's."""

    async def main():
        with pytest.raises(ValueError, match="no"):
            await written(fail_in_awaited)(f"postgresql:{postgres}")

    assert recorder.run(main()) == ["main: asyncpg.pool.Pool.open shop, ok error(ValueError) goes on"]


def test_no_connection_in_time_is_an_acquire_that_failed(recorder, written, with_pool):
    """By ``acquire(timeout=)`` the pool says so itself; who waits is cancelled within."""

    async def main(pool):
        async with pool.acquire():
            with pytest.raises(TimeoutError):
                await pool.acquire(timeout=0.02)
            with pytest.raises(TimeoutError):
                async with pool.acquire(timeout=0.02):
                    pass

    assert recorder.run(with_pool(main, size=1)) == [
        OPEN,
        "run: asyncpg.pool.Pool shop (1), ok ok ok",
        *["run: asyncpg.pool.Pool shop (1), error(TimeoutError)"] * 2,
    ]


async def nested(connection):
    async with connection.transaction(), connection.transaction():
        async for _ in connection.cursor("SELECT 1"):
            pass


async def nested_by_calls(connection):
    outer = connection.transaction()
    await outer.start()
    inner = connection.transaction()
    await inner.start()
    await inner.rollback()
    await outer.commit()


@pytest.mark.parametrize(
    ("use", "calls"), [(nested, ("__aenter__", "__aexit__")), (nested_by_calls, ("start", "commit"))]
)
def test_a_transaction_within_another_is_a_savepoint_of_its_own(recorder, written, with_pool, use, calls):
    """By statements or by calls, and the one lies within the other."""

    async def main(pool):
        async with pool.acquire() as connection:
            await written(use)(connection)

    assert recorder.run(with_pool(main)) == [
        OPEN,
        "run: asyncpg.pool.Pool shop (2), ok ok ok",
        *["run: asyncpg.transaction.Transaction, ok ok ok"] * 2,
    ]
    assert [(site.enter, site.exit) for site in recorder.sites()[2:]] == [calls] * 2
    assert recorder.tree()[2:] == ["    run: Transaction", "      run: Transaction"]


async def open_and_ask(dsn):
    async with asyncpg.create_pool(dsn, min_size=1, max_size=3) as pool:
        await ask(pool)


def test_an_open_pool_is_not_a_taken_one(recorder, written, postgres):
    """To open a pool by a statement takes none of its connections: it is a resource of its own, without capacity."""
    assert recorder.run(written(open_and_ask)(f"postgresql:{postgres}")) == [
        "open_and_ask: asyncpg.pool.Pool.open shop, ok ok ok",
        "open_and_ask: asyncpg.pool.Pool shop (3), ok ok ok",
    ]


def test_a_server_that_is_not_there_makes_the_opening_fail(recorder):
    """The program gets its OSError; nothing was held."""

    async def main():
        with pytest.raises(OSError, match="Connect call failed"):
            async with asyncpg.create_pool("postgresql://postgres@127.0.0.1:1/shop"):
                pass

    assert recorder.run(main()) == ["main: asyncpg.pool.Pool.open shop, error(ConnectionRefusedError)"]
