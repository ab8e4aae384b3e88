"""What ends a client, and what begins its second life: losses, closings of its own, and uses after a close."""

import asyncio
import gc

import asyncpg
import httpx
import psycopg
import pytest
import redis.asyncio as redis
import sqlalchemy
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import RedisClusterException, RedisError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from tests.support.waiting import until
from tests.tracer.support import servers

from tenure._identify.resources import Description
from tenure.adapters._kit import constructed

KIND = f"{__name__}.Client"


class Client:
    async def close(self):
        pass

    async def send(self):
        pass


class Inherits(Client):
    pass


class Closes(Client):
    async def close(self):
        await asyncio.sleep(0)


class ClosesNow(Client):
    def close(self):
        self.transport = None
        gc.get_count()


class Mixin:
    async def close(self):
        await asyncio.sleep(0)


class Mixed(Mixin, Client):
    pass


class ClosesNothing(Client):
    async def close(self):
        pass


class CountsUsers(Client):
    users = 2

    async def close(self):
        self.users -= 1
        if not self.users:
            await super().close()


class NamesItsBase(Client):
    async def close(self):
        await Client.close(self)


@pytest.fixture(scope="module")
def redis_url():
    with servers.redis() as url:
        yield url


@pytest.fixture
def patched(recorder):
    constructed.patch(Client, ("close",), lambda client, _: Description(KIND, client), reopening=("send", "missing"))


def outcomes(recorder, kind):
    return [line.rpartition(", ")[2] for line in recorder.lines() if kind in line]


@pytest.mark.usefixtures("patched")
@pytest.mark.parametrize("kind", [Inherits, Closes, ClosesNow, Mixed, NamesItsBase])
def test_a_close_that_does_not_call_the_librarys_ends_it(recorder, kind):
    """Dropped afterwards, it is not called never closed."""

    async def main():
        client = kind()
        closing = client.close()
        if closing is not None:
            await closing

    asyncio.run(main())
    gc.collect()
    assert outcomes(recorder, KIND) == ["ok ok ok"]


@pytest.mark.usefixtures("patched")
@pytest.mark.parametrize("kind", [ClosesNothing, CountsUsers])
def test_a_close_that_closes_nothing_yet_ends_nothing(recorder, kind):
    """One does nothing, the other waits for its last user."""

    async def main():
        client = kind()
        await client.close()
        seen = outcomes(recorder, KIND)
        await client.close()
        return client, seen

    _, seen = asyncio.run(main())
    assert seen == ["ok ?"]
    assert outcomes(recorder, KIND) == (["ok ok ok"] if kind is CountsUsers else ["ok ?"])


@pytest.mark.usefixtures("patched")
def test_a_subclass_is_the_programs_again_after_the_recording(recorder):
    original = vars(Closes)["close"]
    Closes()
    assert vars(Closes)["close"] is not original
    recorder.stop()
    assert vars(Closes)["close"] is original


@pytest.mark.usefixtures("patched")
def test_a_second_life_is_a_second_lifecycle(recorder):
    """At the line of the call that opens it again; more calls are of the same life."""

    async def main():
        client = Client()
        await client.send()
        await client.close()
        await client.close()
        await client.send()
        await asyncio.gather(client.send(), client.send())
        await client.close()

    assert recorder.run(main()) == [f"main: {KIND} client, ok ok ok"] * 2
    assert [(site.enter, site.expression) for site in recorder.sites()] == [
        ("Client", "Client()"),
        ("Client", "client.send()"),
    ]


def test_a_redis_client_that_connects_again_is_held_again(recorder, redis_url):
    """Its pool is the program's to use after ``aclose()``."""

    async def main():
        client = redis.from_url(redis_url)
        await client.ping()
        await client.aclose()
        await client.ping()
        seen = outcomes(recorder, "client.Redis")
        await client.aclose()
        return seen

    assert asyncio.run(main()) == ["ok ok ok", "ok ?"]
    assert outcomes(recorder, "client.Redis") == ["ok ok ok"] * 2


def test_a_session_that_begins_again_is_held_again(recorder, tmp_path):
    """SQLAlchemy's session can be used after its close; so can an engine after ``dispose()``."""

    async def main():
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/shop.db")
        session = AsyncSession(engine)
        for _ in range(2):
            await session.execute(sqlalchemy.text("SELECT 1"))
            await session.close()
        await engine.dispose()
        async with engine.connect():
            pass
        await engine.dispose()

    asyncio.run(main())
    assert outcomes(recorder, "AsyncSession") == ["ok ok ok"] * 2
    assert outcomes(recorder, "AsyncEngine.open") == ["ok ok ok"] * 2


@pytest.mark.filterwarnings("ignore")  # SQLAlchemy says that it was not closed
def test_what_a_dropped_session_had_checked_out_is_held_no_more(recorder, tmp_path):
    """The pool has its place back."""

    async def main():
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/shop.db", pool_size=1, max_overflow=0)
        session = AsyncSession(engine)
        await session.execute(sqlalchemy.text("SELECT 1"))
        del session
        gc.collect()
        async with AsyncSession(engine) as session:
            await session.execute(sqlalchemy.text("SELECT 1"))
        await engine.dispose()

    asyncio.run(main())
    assert outcomes(recorder, "AsyncEngine shop") == ["ok ok error(NeverClosed)", "ok ok ok"]


def test_a_client_that_refuses_to_work_again_has_one_life(recorder):
    async def main():
        client = httpx.AsyncClient()
        await client.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await client.get("http://127.0.0.1")
        return client

    asyncio.run(main())
    assert outcomes(recorder, "httpx.AsyncClient") == ["ok ok ok"]


@pytest.mark.parametrize("is_dropped", [False, True])
def test_a_psycopg_connection_that_the_server_terminates_has_ended(recorder, postgres, is_dropped):
    """When a query shows it, which is when psycopg notices."""

    async def main():
        address = f"postgresql:{postgres}"
        connection = await psycopg.AsyncConnection.connect(address)
        async with await psycopg.AsyncConnection.connect(address, autocommit=True) as other:
            await other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            await connection.execute("SELECT 1")
        if is_dropped:
            del connection
            gc.collect()
        else:
            await connection.close()

    asyncio.run(main())
    assert outcomes(recorder, "psycopg.AsyncConnection") == ["ok ok ok"] * 2


def test_a_query_that_fails_leaves_its_connection_open(recorder, postgres):
    """Only what is closed has ended."""

    async def main():
        connection = await psycopg.AsyncConnection.connect(f"postgresql:{postgres}")
        with pytest.raises(psycopg.ProgrammingError):
            await connection.execute("SELEC 1")
        seen = outcomes(recorder, "psycopg.AsyncConnection")
        await connection.close()
        return seen

    assert asyncio.run(main()) == ["ok ?"]


def test_a_use_of_a_pool_that_is_terminated_has_ended(recorder, postgres):
    """The pool closes its connections in use, and so does the server."""

    async def main():
        pool = await asyncpg.create_pool(f"postgresql:{postgres}", min_size=1, max_size=2)
        lost, other = await pool.acquire(), await pool.acquire()
        await other.execute("SELECT pg_terminate_backend($1)", lost.get_server_pid())
        await until(lambda: outcomes(recorder, "asyncpg.pool.Pool shop") == ["ok ok ok", "ok ?"])
        pool.terminate()

    asyncio.run(main())
    assert outcomes(recorder, "asyncpg.pool.Pool shop") == ["ok ok ok"] * 2


def test_a_sentinel_and_a_cluster_are_clients(recorder, redis_url):
    """The clients that a sentinel makes for itself are its own affair; those of its services are the program's."""
    host, _, port = redis_url.removeprefix("redis://").removesuffix("/0").partition(":")

    async def main():
        sentinel = Sentinel([(host, int(port))])
        orders = sentinel.master_for("orders")
        cluster = RedisCluster(host=host, port=int(port))
        with pytest.raises(RedisError):  # the server is neither
            await orders.ping()
        with pytest.raises(RedisClusterException):
            await cluster.ping()
        for client in (orders, sentinel, cluster):
            await client.aclose()

    lines = recorder.run(main())
    expected = {
        f"main: redis.asyncio.sentinel.Sentinel {host}:{port}, ok ok ok",
        "main: redis.asyncio.client.Redis orders, ok ok ok",
        f"main: redis.asyncio.cluster.RedisCluster {host}:{port}, ok ok ok",
    }
    assert {line for line in lines if "Pool" not in line} == expected
    assert any("SentinelConnectionPool orders" in line for line in lines)
