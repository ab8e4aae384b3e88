"""The numbers of connection pools, each with its real library and a real server."""

import asyncio
import gc

import asyncpg
import psycopg_pool
import pytest
import redis.asyncio as redis
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine
from tests.tracer.support import servers

import tenure
from tenure._core import buffer, faults
from tenure._core.paths import PACKAGE_DIR
from tenure._identify import pool_stats, tracer


@pytest.fixture(scope="module")
def redis_url():
    with servers.redis() as address:
        yield address


class Pools:
    """How to open a pool of each library, take a connection, give it back and close the pool."""

    async def asyncpg(self, url):
        pool = await asyncpg.create_pool(f"postgresql:{url}", min_size=2, max_size=3)
        return pool.acquire, pool.release, pool.close

    async def psycopg_pool(self, url):
        pool = psycopg_pool.AsyncConnectionPool(f"postgresql:{url}", min_size=2, max_size=3, open=False)
        await pool.open(wait=True)
        return pool.getconn, pool.putconn, pool.close

    async def sqlalchemy(self, url):
        engine = create_async_engine(
            f"postgresql+asyncpg:{url}", pool_size=2, max_overflow=1, poolclass=sqlalchemy.AsyncAdaptedQueuePool
        )
        return engine.connect, lambda connection: connection.close(), engine.dispose

    async def redis(self, url):
        pool = redis.ConnectionPool.from_url(url)
        return pool.get_connection, pool.release, pool.disconnect


LIBRARIES = {  # kind, and how many may be idle where the library has such a bound
    "asyncpg": ("asyncpg.pool.Pool", None),
    "psycopg_pool": ("psycopg_pool.AsyncConnectionPool", None),
    "sqlalchemy": ("sqlalchemy.ext.asyncio.engine.AsyncEngine", 2),
    "redis": ("redis.asyncio.connection.ConnectionPool", None),
}


@pytest.fixture(params=LIBRARIES)
def library(request):
    return request.param


@pytest.fixture
def opened(library, postgres, redis_url):
    """Opens a pool of the library."""
    return lambda: getattr(Pools(), library)(redis_url if library == "redis" else postgres)


def told(recorder):
    """The pools of what would be shipped now: kind, idle ones, bound, whether gone; and all durations of creations."""
    recorder._recorder._ledger.add_entries(buffer.drain())
    batches = recorder._recorder._ledger.batches(0, faults.dropped, heartbeat=True, patient=False)
    pools = [(batch, pool) for batch in batches for pool in batch.pools]
    created = [ns for _, pool in pools for ns in pool.created_ns]
    return [
        (batch.resources[pool.resource].kind, pool.idle, pool.idle_max, pool.gone) for batch, pool in pools
    ], created


def test_a_pool_tells_how_many_of_its_connections_are_idle_and_how_long_each_took_to_make(recorder, library, opened):
    """Two are taken at once and given back: none is idle, then both are; two were made, and none a second time."""
    kind, bound = LIBRARIES[library]

    async def main():
        take, give_back, close = await opened()
        connections = [await take(), await take()]
        while_taken = told(recorder)
        for connection in connections:
            await give_back(connection)
        after = told(recorder)
        await give_back(await take())
        again = told(recorder)
        await close()
        return while_taken, after, again, told(recorder)

    (taken, created), *later = asyncio.run(main())
    assert taken == [(kind, 0, bound, False)]
    assert [0 < ns < 5_000_000_000 for ns in created] == [True, True]
    # SQLAlchemy's engine has another pool from then on
    closed = [(kind, 0, None, True)] if library == "sqlalchemy" else [(kind, 0, bound, False)]
    assert later == [([(kind, 2, bound, False)], []), ([(kind, 2, bound, False)], []), (closed, [])]


def test_a_pool_that_the_program_lets_go_is_told_once_more(recorder, library, opened):
    """Nothing of ours keeps it alive, and the collector hears that it has no connections any more."""

    async def main():
        take, give_back, close = await opened()
        await give_back(await take())
        await close()

    asyncio.run(main())
    before, _ = told(recorder)
    gc.collect()
    after, _ = told(recorder)
    gone = (LIBRARIES[library][0], 0, None, True)
    assert [pool for pool in before + after if pool[3]] == [gone]
    assert (before + after)[-1] == gone
    assert told(recorder) == ([], [])


@pytest.mark.parametrize("pool_class", [sqlalchemy.NullPool, sqlalchemy.StaticPool])
def test_what_keeps_no_connections_tells_none(recorder, postgres, pool_class):
    """SQLAlchemy's NullPool makes one for each use, its StaticPool has one for all: neither has idle ones."""

    async def main():
        engine = create_async_engine(f"postgresql+asyncpg:{postgres}", poolclass=pool_class)
        async with engine.connect():
            seen = told(recorder)
        await engine.dispose()
        return seen

    assert asyncio.run(main()) == ([], [])


def test_a_connection_that_cannot_be_made_fails_as_it_would(recorder):
    """The exception is the library's own, through no frame of ours, and nothing is told of it."""

    async def main():
        pool = redis.ConnectionPool(host="127.0.0.1", port=servers.free_port())
        with pytest.raises(redis.ConnectionError) as raised:
            await pool.get_connection()
        return raised, told(recorder)

    raised, seen = asyncio.run(main())
    assert seen == ([("redis.asyncio.connection.ConnectionPool", 0, None, False)], [])
    assert not [entry for entry in raised.traceback if entry.path.is_relative_to(PACKAGE_DIR)]


def test_a_pool_that_was_given_a_name_tells_as_well(recorder, redis_url):
    """By the resource of that name."""

    async def main():
        pool = redis.ConnectionPool.from_url(redis_url)
        tenure.track(pool, name="sessions")
        await pool.release(await pool.get_connection())
        seen = told(recorder)
        await pool.disconnect()
        return seen

    told_of, created = asyncio.run(main())
    assert (told_of, len(created)) == ([("redis.asyncio.connection.ConnectionPool", 1, None, False)], 1)


def test_a_pool_that_is_not_as_expected_is_told_of_no_more(recorder):
    """A later version may not have what is read here: that is a fault in Tenure, counted once, and all goes on."""

    class Pool:
        idle = 1

    pool = Pool()
    number = tracer.current.resource_ids.new("shop.Pool", "orders", 2, "database")
    tracer.current.pools.watch(number, pool, lambda pool: pool_stats.PoolStats(pool.idle))
    first = told(recorder)
    del Pool.idle
    assert (first, told(recorder), told(recorder)) == (([("shop.Pool", 1, None, False)], []), ([], []), ([], []))
    assert faults.dropped["fault"] == 1
