"""A program's subclasses of a library's classes are asked for nothing that the library does not ask."""

from pathlib import Path

import pytest
from tests.tracer.support import programs, servers

SPIES = """
import asyncio, contextlib, sys

def say(*words):
    print(*words)

class Text(str):
    def __str__(self): say("Text str"); return "text"
    def __hash__(self): say("Text hash"); return 1
    def __eq__(self, other): say("Text eq"); return False
    def __format__(self, form): say("Text format"); return "text"

def spied(base, *without, **more):
    '''A subclass whose objects say each thing that is asked of them.'''
    name = base.__name__
    def __getattribute__(self, asked):
        say(name, "get", asked)
        return base.__getattribute__(self, asked)
    def __setattr__(self, asked, value):
        say(name, "set", asked)
        base.__setattr__(self, asked, value)
    def __bool__(self):
        say(name, "bool")
        return True
    def __hash__(self):
        say(name, "hash")
        return id(self) // 16
    def __eq__(self, other):
        say(name, "eq")
        return self is other
    def __repr__(self):
        say(name, "repr")
        return name
    __class__ = property(lambda self: (say(name, "class"), int)[1])
    spies = {key: value for key, value in locals().items() if key.startswith("__") and key not in without}
    return type(base)("Spied" + name, (base,), spies | more)
"""

ASYNCIO = """
from spies import *

class Loop(asyncio.SelectorEventLoop):
    def is_closed(self):
        say("is_closed")
        return super().is_closed()
    def time(self):
        say("time") if sys._getframe(1).f_globals["__name__"].startswith("tenure") else None
        return super().time()

Timeout, Group, Task = spied(asyncio.Timeout), spied(asyncio.TaskGroup), spied(asyncio.Task, "__class__")

async def fail():
    raise ValueError

async def hold(lock):
    async with lock:
        await asyncio.sleep(5)

async def main():
    loop = asyncio.get_running_loop()
    for kind, arguments in ((asyncio.Lock, ()), (asyncio.Semaphore, (1,)), (asyncio.Condition, ())):
        lock = spied(kind)(*arguments)
        async with lock:
            pass
        await lock.acquire()
        lock.release()
    try:
        async with Timeout(loop.time()):
            await asyncio.sleep(5)
    except TimeoutError:
        say("timed out")
    try:
        async with Group() as group:
            group.create_task(fail())
            await asyncio.sleep(5)
    except* ValueError:
        say("failed")
    async with spied(contextlib.AsyncExitStack)() as stack:
        await stack.enter_async_context(spied(asyncio.Lock)())
        await stack.enter_async_context(asyncio.Lock())
    loop.set_task_factory(lambda loop, coroutine, **named: Task(coroutine, loop=loop, **named))
    left = asyncio.create_task(hold(asyncio.Lock()))
    await asyncio.sleep(0)

with asyncio.Runner(loop_factory=Loop) as runner:
    runner.run(main())
"""

SQL = """
import pathlib
from spies import *
import aiofiles, aiosqlite
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

class Folder(type(pathlib.Path())):
    def __fspath__(self):
        say("fspath")
        return super().__fspath__()

async def main():
    Pool = spied(AsyncAdaptedQueuePool, "__class__", size=lambda self: (say("size"), 5)[1])
    engine = create_async_engine("sqlite+aiosqlite:///shop.db", poolclass=Pool)
    engine = spied(AsyncEngine)(engine.sync_engine)
    async with engine.connect() as connection:
        await connection.execute(text("select 1"))
    async with engine.begin() as connection:
        await connection.execute(text("select 1"))
    async with spied(AsyncSession)(engine) as session:
        await session.execute(text("select 1"))
    await engine.dispose()
    async with aiosqlite.connect(Folder("shop.db")) as connection:
        async with connection.execute("select 1") as cursor:
            await cursor.fetchall()
    async with aiofiles.open(Folder("shop.db"), "rb"):
        pass

asyncio.run(main())
"""

HTTP = """
from spies import *
import aiohttp, httpx, websockets, websockets.asyncio.server
from aiohttp import web
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def starlette_handler(request):
    return PlainTextResponse("done")

class Handler:
    async def __call__(self, request):
        if request.path == "/refused":
            raise spied(web.HTTPBadRequest, status=property(lambda self: (say("status"), 400)[1]))()
        return web.Response(text="done")

async def echo(connection):
    async for message in connection:
        await connection.send(message)

async def main():
    app = spied(Starlette)(routes=[Route("/", starlette_handler)])
    async with spied(httpx.AsyncClient)(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        say((await client.get("/")).text)
        async with client.stream("GET", "/") as response:
            await response.aread()
    app = web.Application()
    app.router.add_get("/{any:.*}", spied(Handler)())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    Connector = spied(aiohttp.TCPConnector, limit=property(lambda self: (say("limit"), 5)[1]))
    async with aiohttp.ClientSession(connector=Connector()) as session:
        for path in ("", "refused"):
            async with session.get(f"http://127.0.0.1:{port}/{path}") as response:
                say(response.status)
    await runner.cleanup()
    Connection = spied(websockets.asyncio.server.ServerConnection)
    async with websockets.serve(echo, "127.0.0.1", 0, create_connection=Connection) as server:
        port = server.sockets[0].getsockname()[1]
        async with spied(websockets.connect)(f"ws://127.0.0.1:{port}") as connection:
            await connection.send("x")
            say(await connection.recv())

asyncio.run(main())
"""

ANYIO = """
from spies import *
import anyio
from anyio._backends._asyncio import CancelScope, CapacityLimiter, Lock, Semaphore, TaskGroup

async def main():
    for kind, arguments in ((Lock, ()), (Semaphore, (2,)), (CapacityLimiter, (2,))):
        lock = spied(kind, "__setattr__")(*arguments)
        async with lock:
            pass
        await lock.acquire()
        lock.release()
    with spied(CancelScope)(deadline=anyio.current_time() + 0.01):
        await anyio.sleep(5)
    with spied(CancelScope)() as scope:
        scope.cancel()
        await anyio.sleep(5)
    async with spied(TaskGroup)() as group:
        group.start_soon(anyio.sleep, 5)
        await anyio.sleep(0)
        group.cancel_scope.cancel()

anyio.run(main)
"""

REDIS = """
import gc
from spies import *
from redis import asyncio as redis

gc.disable()  # when the collector runs depends on every object; clients are in circles, and their __del__ is seen

async def main():
    url = sys.argv[1]
    Connection = spied(redis.Connection, "__class__")
    pool = spied(redis.BlockingConnectionPool, "__class__").from_url(url, connection_class=Connection)
    async with spied(redis.Redis, "__class__")(connection_pool=pool) as client:
        await client.script_flush()
        async with spied(redis.lock.Lock, "__class__")(client, "a lock", timeout=5):
            pass
        async with client.pipeline() as pipeline:
            await pipeline.get("a").execute()
    await pool.aclose()

asyncio.run(main())
"""

POSTGRES = """
from spies import *
import asyncpg, psycopg, psycopg_pool

async def main():
    address = "postgresql:" + sys.argv[1]
    Connection = spied(asyncpg.Connection, "__class__")
    async with asyncpg.create_pool(address, min_size=1, max_size=2, connection_class=Connection) as pool:
        async with pool.acquire() as connection:
            async with connection.transaction():
                say(await connection.fetchval("select 1"))
    Connection = spied(psycopg.AsyncConnection, "__class__", info=property(lambda self: say("info")))
    async with await Connection.connect(address) as connection:
        async with connection.cursor() as cursor:
            await cursor.execute("select 1")
        async with connection.cursor("named") as cursor:
            await cursor.execute("select 1")
    Pool = spied(psycopg_pool.AsyncConnectionPool, "__class__", max_size=property(lambda self: (say("max size"), 1)[1]))
    async with Pool(address, min_size=1, max_size=2, open=False, num_workers=1) as pool:
        await pool.wait()
        async with pool.connection() as connection:
            await connection.execute("select 1")

asyncio.run(main())
"""


def check(directory: Path, program: str, *arguments: str) -> None:
    """What the program says is the same, to the letter."""
    programs.write(directory, spies=SPIES, program=program)
    plain = programs.python(directory, "program.py", *arguments)
    assert (plain.status, plain.stderr) == (0, "")
    assert programs.tenure(directory, "run", "-o", "x.json", "program.py", *arguments) == plain
    assert any(batch.rows for batch in programs.recorded(directory / "x.json"))


@pytest.mark.parametrize("program", [ASYNCIO, SQL, HTTP, ANYIO], ids=["asyncio", "sql", "http", "anyio"])
def test_subclasses_of_libraries_are_asked_nothing(program: str, tmp_path: Path) -> None:
    """Each attribute, hash, comparison and truth that the program's own class is asked for is the library's doing."""
    check(tmp_path, program)


def test_subclasses_of_redis_are_asked_nothing(tmp_path: Path) -> None:
    """A pool, its connections, a client and a lock."""
    with servers.redis() as url:
        check(tmp_path, REDIS, url)


def test_subclasses_of_postgres_clients_are_asked_nothing(postgres: str, tmp_path: Path) -> None:
    """Asyncpg's connections, psycopg's connections and its pool."""
    check(tmp_path, POSTGRES, postgres)
