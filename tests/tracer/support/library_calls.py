"""The calls of libraries that adapters record: every public coroutine method of the objects that hold something.

The methods are read from the library, so that those of a newer version are called too. An argument that a method must
have is found by the parameter's name, "fetchmany.query" before "query".
"""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import aiosqlite
import anyio
import asyncpg
import httpx
import nats
import psycopg
import psycopg_pool
import redis.asyncio as redis
import sqlalchemy
from mcp.client.client import Client
from mcp.server.mcpserver import MCPServer
from sqlalchemy.ext import asyncio as alchemy
from tests.tracer.support.call_tables import Call, Calls, close, close_result, methods, nothing

ONE = sqlalchemy.text("SELECT 1")


@contextlib.asynccontextmanager
async def of_asyncpg(servers: Any) -> AsyncIterator[Calls]:
    url = f"postgresql:{servers.postgres}"

    async def begin() -> asyncpg.Pool:
        return await asyncpg.create_pool(url, min_size=1, max_size=2)

    async def begin_taken() -> tuple[asyncpg.Pool, Any]:
        pool = await begin()
        return pool, await pool.acquire()

    async def end(pool: asyncpg.Pool, _: object) -> None:
        pool.terminate()

    async def end_taken(taken: tuple[asyncpg.Pool, Any], _: object) -> None:
        taken[0].terminate()

    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE IF NOT EXISTS calls (number int)")
    await connection.close()
    arguments = {
        "query": "SELECT 1",
        "fetchmany.query": "SELECT $1::int",
        "command": "SELECT $1::int",
        "fetchmany.args": [(1,)],
        "executemany.args": [(1,)],
        "table_name": "calls",
        "records": [(1,)],
        "output": io.BytesIO(),
        "source": io.BytesIO(),
    }
    yield {
        **methods(asyncpg.Pool, arguments, begin, end, but="release"),
        "Pool.release": Call(lambda taken: taken[0].release(taken[1]), begin_taken, end_taken),
        "Pool.acquire": Call(lambda pool: pool.acquire(), begin, end, is_coroutine=False),
        "asyncpg.create_pool": Call(lambda _: asyncpg.create_pool(url), end=close_result, is_coroutine=False),
        "asyncpg.connect": Call(lambda _: asyncpg.connect(url), end=close_result),
        "Connection.close": Call(lambda connection: connection.close(), lambda: asyncpg.connect(url)),
    }


@contextlib.asynccontextmanager
async def of_psycopg(servers: Any) -> AsyncIterator[Calls]:
    url, connect = f"postgresql:{servers.postgres}", psycopg.AsyncConnection.connect

    async def closed() -> psycopg_pool.AsyncConnectionPool:
        return psycopg_pool.AsyncConnectionPool(url, min_size=1, max_size=2, open=False)

    async def opened() -> psycopg_pool.AsyncConnectionPool:
        pool = await closed()
        await pool.open()
        return pool

    async def taken() -> tuple[Any, Any]:
        pool = await opened()
        return pool, await pool.getconn()

    async def end(pool: Any, connection: Any) -> None:
        if isinstance(connection, psycopg.AsyncConnection):
            await pool.putconn(connection)
        await pool.close()

    pool = psycopg_pool.AsyncConnectionPool
    yield {
        **methods(pool, {"min_size": 1}, opened, end, only="getconn check close drain resize wait"),
        **methods(pool, {}, closed, end, only="open"),
        "AsyncConnectionPool.putconn": Call(
            lambda both: both[0].putconn(both[1]), taken, lambda both, _: both[0].close()
        ),
        "AsyncConnection.connect": Call(lambda _: connect(url), end=close_result),
        "AsyncConnection.close": Call(lambda connection: connection.close(), lambda: connect(url)),
    }


@contextlib.asynccontextmanager
async def of_sqlalchemy(servers: Any) -> AsyncIterator[Calls]:
    engine = alchemy.create_async_engine(f"postgresql+asyncpg:{servers.postgres}", pool_size=2, max_overflow=0)

    async def session() -> alchemy.AsyncSession:
        return alchemy.AsyncSession(engine)

    async def used_session() -> alchemy.AsyncSession:
        session = alchemy.AsyncSession(engine)
        await session.execute(ONE)
        return session

    async def other() -> alchemy.AsyncEngine:
        return alchemy.create_async_engine("sqlite+aiosqlite://")

    async def connection() -> alchemy.AsyncConnection:
        return await engine.connect()

    async def transaction() -> tuple[alchemy.AsyncConnection, alchemy.AsyncTransaction]:
        connection = await engine.connect()
        return connection, await connection.begin()

    async def end_transaction(both: Any, _: object) -> None:
        await both[0].close()

    async def end(thing: Any, result: Any) -> None:
        results = alchemy.AsyncResult, alchemy.AsyncScalarResult
        await close(thing, result if isinstance(result, results) else None)

    arguments = {
        "statement": ONE,
        "exec_driver_sql.statement": "SELECT 1",
        "fn": lambda connection: connection.execute(ONE),
    }
    ends = "commit rollback close aclose reset invalidate"
    mapped = "delete delete_all get get_one merge merge_all refresh"  # they take an object of a mapped class
    whole = "close_all"  # it closes the sessions of all
    yield {
        **methods(alchemy.AsyncSession, arguments, session, end, but=f"{ends} {mapped} {whole}"),
        **methods(alchemy.AsyncSession, arguments, used_session, end, only=ends),
        **methods(alchemy.AsyncConnection, arguments, connection, end, but="start"),
        **{
            f"AsyncTransaction.{name}": Call(
                lambda both, name=name: getattr(both[1], name)(), transaction, end_transaction
            )
            for name in ("commit", "rollback", "close")
        },
        "AsyncConnection.start": Call(lambda _: engine.connect().start(), end=close_result),
        "AsyncEngine.dispose": Call(lambda opened: opened.dispose(), other),
        "AsyncEngine.connect": Call(lambda _: engine.connect(), end=close_result, is_coroutine=False),
        "AsyncConnection.begin": Call(lambda connection: connection.begin(), connection, end, is_coroutine=False),
    }
    await engine.dispose()


@contextlib.asynccontextmanager
async def of_redis(servers: Any) -> AsyncIterator[Calls]:
    client = redis.from_url(servers.redis)
    pool = client.connection_pool

    async def pipeline() -> Any:
        return client.pipeline().get("stock")

    async def held_lock() -> Any:
        lock = client.lock("taken")
        await lock.acquire()
        return lock

    async def give_back(_: object, connection: Any) -> None:
        await pool.release(connection)

    async def other() -> Any:
        return await redis.from_url(servers.redis)

    async def sentinel() -> Any:
        return redis.Sentinel([("cache", 26379)])

    async def cluster() -> Any:
        return redis.RedisCluster("cache")

    async def end_lock(lock: Any, _: object) -> None:
        if await lock.owned():
            await lock.release()

    async def free_lock() -> Any:
        return client.lock("free")

    yield {
        "Redis.get": Call(lambda _: client.get("stock")),
        "Redis.set": Call(lambda _: client.set("stock", 1)),
        "Redis.execute_command": Call(lambda _: client.execute_command("PING")),
        "Redis.transaction": Call(lambda _: client.transaction(lambda pipe: pipe.get("stock"))),
        "Redis.initialize": Call(lambda _: redis.from_url(servers.redis).initialize(), end=close_result),
        "Redis.aclose": Call(lambda opened: opened.aclose(), other),
        "Sentinel.aclose": Call(lambda opened: opened.aclose(), sentinel),
        "RedisCluster.aclose": Call(lambda opened: opened.aclose(), cluster),
        "Pipeline.execute": Call(lambda pipeline: pipeline.execute(), pipeline),
        "Lock.acquire": Call(lambda lock: lock.acquire(), free_lock, end_lock),
        "Lock.release": Call(lambda lock: lock.release(), held_lock),
        "ConnectionPool.get_connection": Call(lambda _: pool.get_connection(), end=give_back),
        "ConnectionPool.release": Call(pool.release, pool.get_connection),
    }
    await client.aclose()


@contextlib.asynccontextmanager
async def of_clients(servers: Any) -> AsyncIterator[Calls]:
    client, session = httpx.AsyncClient(), aiohttp.ClientSession()
    arguments = {"url": servers.url, "method": "GET", "request": client.build_request("GET", servers.url)}

    async def read(_: object, response: Any) -> None:
        await response.read()

    async def the_client() -> httpx.AsyncClient:
        return client

    async def other_client() -> httpx.AsyncClient:
        return httpx.AsyncClient()

    async def other_session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    yield {
        **methods(httpx.AsyncClient, arguments, the_client, nothing, but="aclose"),
        "AsyncClient.aclose": Call(lambda opened: opened.aclose(), other_client),
        "ClientSession.close": Call(lambda opened: opened.close(), other_session),
        "ClientSession.get": Call(lambda _: session.get(servers.url), end=read),
        "ClientSession.request": Call(lambda _: session.request("POST", servers.url), end=read),
    }
    await client.aclose()
    await session.close()


@contextlib.asynccontextmanager
async def of_others(servers: Any) -> AsyncIterator[Calls]:
    """One or two methods each; a new lock is made for every call."""

    async def lock() -> Any:
        return asyncio.Lock()

    async def notify(condition: asyncio.Condition) -> None:
        await asyncio.sleep(0.01)  # then the other one waits
        async with condition:
            condition.notify()

    async def held_condition() -> Any:
        condition = asyncio.Condition()
        await condition.acquire()
        return condition, asyncio.create_task(notify(condition))

    async def give_back(both: Any, _: object) -> None:
        await both[1]
        both[0].release()

    async def entering() -> Any:
        return contextlib.AsyncExitStack(), asyncio.Lock()

    async def leave(both: Any, _: object) -> None:
        await both[0].aclose()

    async def order() -> None: ...

    server = MCPServer("shop")
    server.tool()(order)
    tools = Client(server)
    await tools.__aenter__()
    yield {
        "Lock.acquire": Call(lambda lock: lock.acquire(), lock),
        "Semaphore.acquire": Call(lambda _: asyncio.Semaphore(2).acquire()),
        "Barrier.wait": Call(lambda _: asyncio.Barrier(1).wait()),
        "Condition.acquire": Call(lambda _: asyncio.Condition().acquire()),
        "Condition.wait": Call(  # by who holds it, not by a task of another thread, say
            lambda both: both[0].wait(), held_condition, give_back, is_coroutine=False
        ),
        "anyio.Lock.acquire": Call(lambda _: anyio.Lock().acquire()),
        "anyio.Semaphore.acquire": Call(lambda _: anyio.Semaphore(2).acquire()),
        "anyio.CapacityLimiter.acquire": Call(lambda _: anyio.CapacityLimiter(2).acquire()),
        "AsyncExitStack.enter_async_context": Call(lambda both: both[0].enter_async_context(both[1]), entering, leave),
        "aiosqlite.connect": Call(lambda _: aiosqlite.connect(":memory:"), end=close_result, is_coroutine=False),
        "Connection.close": Call(lambda connection: connection.close(), lambda: aiosqlite.connect(":memory:")),
        "nats.connect": Call(lambda _: nats.connect(servers.nats), end=close_result),
        "Client.close": Call(lambda client: client.close(), lambda: nats.connect(servers.nats)),
        "Client.drain": Call(lambda client: client.drain(), lambda: nats.connect(servers.nats)),
        "ClientSession.call_tool": Call(lambda _: tools.session.call_tool("order", {})),
    }
    await tools.__aexit__(None, None, None)


OF = {
    "asyncpg": of_asyncpg,
    "psycopg": of_psycopg,
    "sqlalchemy": of_sqlalchemy,
    "redis": of_redis,
    "clients": of_clients,
    "others": of_others,
}
