"""psycopg and psycopg_pool with a real PostgreSQL."""

import asyncio
import gc

import psycopg
import psycopg_pool
import pytest
from tests.tracer.support.pool_of_one import check_who_waits

OPEN = "run: psycopg_pool.pool_async.AsyncConnectionPool.open shop, ok ok ok"  # with_pool's own


async def connect(url):
    async with await psycopg.AsyncConnection.connect(url) as connection, connection.cursor() as cursor:
        await cursor.execute("SELECT 1")
        return await cursor.fetchone()


async def connect_by_calls(url):
    connection = await psycopg.AsyncConnection.connect(url)
    await connection.execute("SELECT 1")
    await connection.close()


async def read_from_the_server(url):
    async with await psycopg.AsyncConnection.connect(url) as connection, connection.cursor("orders") as cursor:
        await cursor.execute("SELECT generate_series(1, 3)")
        return [number async for (number,) in cursor]


async def in_transactions(url):
    async with (
        await psycopg.AsyncConnection.connect(url) as connection,
        connection.transaction(),
        connection.transaction(),
    ):
        await connection.execute("SELECT 1")


async def in_transaction(url, sql):
    async with await psycopg.AsyncConnection.connect(url) as connection, connection.transaction():
        await connection.execute(sql)


async def in_pipeline(url):
    async with await psycopg.AsyncConnection.connect(url) as connection, connection.pipeline():
        await connection.execute("SELECT 1")


async def hold(pool, until=None):
    async with pool.connection() as connection:
        if until is not None:
            await until.wait()
        await connection.execute("SELECT 1")


async def hold_by_calls(pool):
    connection = await pool.getconn()
    try:
        await connection.execute("SELECT 1")
    finally:
        await pool.putconn(connection)


async def enter(pool):
    async with pool:
        await pool.wait()


async def open_and_hold(url, **named):
    async with psycopg_pool.AsyncConnectionPool(url, min_size=1, max_size=3, open=False, **named) as pool:
        await hold(pool)


@pytest.fixture
def url(postgres):
    return f"postgresql:{postgres}"


@pytest.fixture
def with_pool(url):
    """Runs ``use(pool)`` with a pool that is open outside of all statements."""

    async def run(use, *arguments, size=2):
        pool = psycopg_pool.AsyncConnectionPool(url, min_size=1, max_size=size, open=False)
        await pool.open(wait=True)
        try:
            return await use(pool, *arguments)
        finally:
            await pool.close()

    return run


def test_a_connection_is_known_by_its_database(recorder, written, url):
    """A cursor is a use of its own."""
    assert recorder.run(written(connect)(url)) == [
        "connect: psycopg.AsyncConnection shop, ok ok ok",
        "connect: psycopg.AsyncCursor, ok ok ok",
    ]
    assert {resource.stereotype for resource in recorder.resources()} == {"database"}


def test_a_connection_is_held_from_connect_to_close(recorder, written, url):
    """By calls as by a statement: at the line that connects."""
    assert recorder.run(written(connect_by_calls)(url)) == ["connect_by_calls: psycopg.AsyncConnection shop, ok ok ok"]
    site = recorder.sites()[0]
    assert (site.function, site.expression, site.enter, site.exit) == (
        "connect_by_calls",
        "psycopg.AsyncConnection.connect(url)",
        "connect",
        "close",
    )


def test_a_connection_that_cannot_be_made_or_not_in_time_was_never_held(recorder, url):
    """The program gets what psycopg says."""

    async def main():
        with pytest.raises(psycopg.OperationalError):
            await psycopg.AsyncConnection.connect("host=127.0.0.1 port=1 user=postgres dbname=shop")
        with pytest.raises(psycopg.OperationalError):
            await psycopg.AsyncConnection.connect(url, dbname="nowhere")
        connecting = asyncio.create_task(psycopg.AsyncConnection.connect(url))
        await asyncio.sleep(0)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting

    assert recorder.run(main()) == [
        "main: psycopg.AsyncConnection shop, error(OperationalError)",
        "main: psycopg.AsyncConnection nowhere, error(OperationalError)",
        "main: psycopg.AsyncConnection shop, cancelled(CancelledError)",
    ]


@pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")
def test_a_connection_that_is_dropped_is_held_no_more(recorder, url):
    """Psycopg warns of it; its release failed."""

    async def main():
        connection = await psycopg.AsyncConnection.connect(url)
        await connection.execute("SELECT 1")
        del connection
        gc.collect()
        return recorder.lines()

    assert asyncio.run(main()) == ["main: psycopg.AsyncConnection shop, ok ok error(NeverClosed)"]


def test_a_cursor_on_the_server_has_a_name(recorder, written, url):
    """It is the program's."""
    assert recorder.run(written(read_from_the_server)(url)) == [
        "read_from_the_server: psycopg.AsyncConnection shop, ok ok ok",
        "read_from_the_server: psycopg.AsyncServerCursor orders, ok ok ok",
    ]


def test_a_transaction_within_another_lies_within_it(recorder, written, url):
    """It is a savepoint, and a use of its own."""
    recorder.run(written(in_transactions)(url))
    assert recorder.tree() == [
        "in_transactions: AsyncConnection shop",
        "  in_transactions: transaction",
        "    in_transactions: transaction",
    ]


def test_a_transaction_that_fails_is_a_use_of_its_own(recorder, written, url):
    """It is rolled back, and the exception goes on through the connection."""

    async def main():
        with pytest.raises(psycopg.errors.SyntaxError):
            await written(in_transaction)(url, "no SQL")

    assert recorder.run(main()) == [
        "main: psycopg.AsyncConnection shop, ok error(SyntaxError) goes on",
        "main: psycopg.AsyncConnection.transaction, ok error(SyntaxError) goes on",
    ]


def test_a_pipeline_is_a_use_of_its_own(recorder, written, url):
    """While it is open, statements are sent without waiting for their results."""
    assert recorder.run(written(in_pipeline)(url)) == [
        "in_pipeline: psycopg.AsyncConnection shop, ok ok ok",
        "in_pipeline: psycopg.AsyncConnection.pipeline, ok ok ok",
    ]


@pytest.mark.parametrize(("use", "enter"), [(hold, "connection"), (hold_by_calls, "getconn")])
def test_a_connection_is_taken_from_the_pool_however_it_is_asked_for(recorder, written, with_pool, use, enter):
    """By a statement or by calls: the pool is held, and nothing is told of what it uses within itself."""
    assert recorder.run(with_pool(written(use))) == [OPEN, "run: psycopg_pool.AsyncConnectionPool shop (2), ok ok ok"]
    site = recorder.sites()[1]
    assert (site.file, site.function, site.enter) == (__file__, use.__name__, enter)


def test_all_ways_take_one_pool(recorder, written, with_pool):
    """One pool is one resource."""

    async def main(pool):
        for use in (hold, hold_by_calls):
            await written(use)(pool)

    recorder.run(with_pool(main))
    assert len(set(recorder.resources()[1:])) == 1


def test_who_waits_for_a_connection_is_seen_to_wait(recorder, written, with_pool):
    """A pool of one: the second task acquires until the first has released."""
    check_who_waits(recorder, written(hold), with_pool, OPEN, "psycopg_pool.AsyncConnectionPool shop")


def test_no_connection_in_time_is_an_acquire_that_failed(recorder, written, with_pool):
    """The program gets psycopg's PoolTimeout."""

    async def main(pool):
        connection = await pool.getconn()
        with pytest.raises(psycopg_pool.PoolTimeout):
            await pool.getconn(timeout=0.05)
        await pool.putconn(connection)

    assert [line.partition(", ")[2] for line in recorder.run(with_pool(main, size=1))] == [
        "ok ok ok",
        "ok ok ok",
        "error(PoolTimeout)",
    ]


def test_a_pool_opened_by_a_call_is_open_until_it_is_closed(recorder, written, url):
    """Also where it is entered meanwhile, and whatever tasks of its own connect."""

    async def main():
        pool = psycopg_pool.AsyncConnectionPool(url, min_size=2, max_size=2, open=False)
        await pool.open(wait=True)
        await written(enter)(pool)

    assert recorder.run(main()) == ["main: psycopg_pool.pool_async.AsyncConnectionPool.open shop, ok ok ok"]
    site = recorder.sites()[0]
    assert (site.expression, site.enter, site.exit) == ("pool.open(wait=True)", "open", "close")


def test_a_pool_that_opens_no_connection_in_time_was_never_open(recorder):
    """The program gets psycopg's PoolTimeout."""

    async def main():
        pool = psycopg_pool.AsyncConnectionPool("host=127.0.0.1 port=1 dbname=shop", min_size=1, open=False)
        with pytest.raises(psycopg_pool.PoolTimeout):
            await pool.open(wait=True, timeout=0.1)
        await pool.close()

    assert recorder.run(main()) == ["main: psycopg_pool.pool_async.AsyncConnectionPool.open shop, error(PoolTimeout)"]


@pytest.mark.parametrize(("named", "name"), [({}, "shop"), ({"name": "orders"}, "orders")])
def test_an_open_pool_is_not_a_taken_one(recorder, written, url, named, name):
    """To open a pool by a statement takes none of its connections; the name that the program gave it counts."""
    assert recorder.run(written(open_and_hold)(url, **named)) == [
        f"open_and_hold: psycopg_pool.pool_async.AsyncConnectionPool.open {name}, ok ok ok",
        f"open_and_hold: psycopg_pool.AsyncConnectionPool {name} (3), ok ok ok",
    ]
