import asyncio

import asyncpg
import pytest


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
    assert recorder.run(with_pool(written(use))) == ["run: asyncpg.pool.Pool shop (2), ok ok ok"]
    site = recorder.sites()[0]
    assert (site.file, site.function, site.enter) == (__file__, use.__name__, "acquire")
    assert recorder.resources()[0].stereotype == "database"


def test_all_ways_take_one_pool(recorder, written, with_pool):
    """One pool is one resource."""

    async def main(pool):
        for use in (hold, hold_by_calls, ask):
            await written(use)(pool)

    recorder.run(with_pool(main))
    assert len(set(recorder.resources())) == 1


def test_who_waits_for_a_connection_is_seen_to_wait(recorder, written, with_pool):
    """A pool of one: the second task acquires until the first has released."""

    async def main(pool):
        done = asyncio.Event()
        users = [asyncio.create_task(written(hold)(pool, done), name=name) for name in ("holder", "waiter")]
        await asyncio.sleep(0.1)
        seen = recorder.lines()
        done.set()
        await asyncio.gather(*users)
        return seen

    assert asyncio.run(with_pool(main, size=1)) == [
        "holder: asyncpg.pool.Pool shop (1), ok ?",
        "waiter: asyncpg.pool.Pool shop (1), ?",
    ]
    assert [line.rpartition(", ")[2] for line in recorder.lines()] == ["ok ok ok"] * 2


def test_a_transaction_that_fails_is_a_use_of_its_own(recorder, written, with_pool):
    """It is rolled back, the connection goes back to the pool, and the exception goes on."""

    async def main(pool):
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await written(in_transaction)(pool, "no SQL")

    assert recorder.run(with_pool(main)) == [
        "run: asyncpg.pool.Pool shop (2), ok error(PostgresSyntaxError) goes on",
        "run: asyncpg.transaction.Transaction, ok error(PostgresSyntaxError) goes on",
    ]


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
