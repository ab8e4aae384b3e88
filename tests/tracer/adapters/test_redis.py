"""redis-py with a real server."""

import asyncio
import contextlib

import pytest
import redis.asyncio as redis
from tests.tracer.support import servers

from tenure.adapters import redis as redis_adapter

LOCK = "redis.asyncio.lock.Lock"
POOL = "redis.asyncio.connection.ConnectionPool"


@pytest.fixture(autouse=True)
def uses_alone(recorder):
    """A client that a test makes by hand is not listed."""
    recorder.leave_out("Redis")


@pytest.fixture(scope="module")
def url():
    """The address of a server of this test run that speaks Redis's protocol."""
    with servers.redis() as address:
        yield address


@contextlib.asynccontextmanager
async def connected(url, **named):
    pool = redis.BlockingConnectionPool.from_url(url, **named)
    client = redis.Redis(connection_pool=pool)
    try:
        yield client
    finally:
        await client.aclose()
        await pool.disconnect()


async def with_client(url, use, **named):
    """Runs ``use(client)`` with a client that is open outside of all statements of the program."""
    manager = connected(url, **named)
    client = await manager.gen.__anext__()
    try:
        return await use(client)
    finally:
        await manager.gen.aclose()


async def ask(client):
    return await client.get("stock")


async def ask_in_statement(url):
    async with redis.from_url(url) as client:
        return await client.get("stock")


async def ask_by_calls(url):
    client = await redis.Redis.from_url(url)
    stock = await client.get("stock")
    await client.aclose()
    return stock


async def enter(client):
    async with client:
        await client.get("stock")


async def in_pipeline(client):
    async with client.pipeline() as pipeline:
        return await pipeline.set("stock", 1).get("stock").execute()


async def locked(client, until=None):
    async with client.lock("stock-lock"):
        if until is not None:
            await until.wait()


async def locked_by_calls(client, **named):
    lock = client.lock("stock-lock")
    if await lock.acquire(**named):
        await lock.release()


async def listen(client):
    async with client.pubsub() as channel:
        await channel.subscribe("orders")


def server(url):
    """Host, port and database, as resources are named."""
    return url.removeprefix("redis://")


def without_pool(lines):
    return [line for line in lines if "Pool" not in line]


def test_a_command_takes_a_connection_of_the_pool(recorder, url):
    """The place is the program's line, and nothing is told of what redis uses within itself."""
    assert recorder.run(with_client(url, ask, max_connections=3)) == [
        f"with_client: redis.asyncio.connection.BlockingConnectionPool {server(url)} (3), ok ok ok"
    ]
    site = recorder.sites()[0]
    assert (site.file, site.function, site.enter, site.exit) == (__file__, "ask", "get_connection", "release")
    assert recorder.resources()[0].stereotype == "database"


def test_a_client_that_is_entered_is_held_and_its_pool_is_used(recorder, written, url):
    """The client of a statement is the program's; the pool is taken once for each command."""
    lines = recorder.run(written(ask_in_statement)(url))
    assert [line.partition(", ")[0].partition(" (")[0] for line in lines] == [
        f"ask_in_statement: redis.asyncio.client.Redis {server(url)}",
        f"ask_in_statement: {POOL} {server(url)}",
    ]
    assert {line.partition(", ")[2] for line in lines} == {"ok ok ok"}


@pytest.mark.parametrize(
    ("use", "kind"),
    [(in_pipeline, "redis.asyncio.client.Pipeline"), (listen, "redis.asyncio.client.PubSub")],
)
def test_pipelines_and_channels_are_uses_of_their_own(recorder, written, url, use, kind):
    """They are made for one use, and hold a connection of the pool."""
    lines = recorder.run(with_client(url, written(use)))
    assert without_pool(lines) == [f"with_client: {kind}, ok ok ok"]
    assert {line.partition(", ")[2] for line in lines} == {"ok ok ok"}


def test_locks_of_one_key_are_one_resource_and_waiters_wait(recorder, written, url):
    """Every task has a lock object of its own; Redis lets one of them in at a time."""

    async def main(client):
        done = asyncio.Event()
        holder = asyncio.create_task(written(locked)(client, done), name="holder")
        await recorder.until(waiting[:1], without_pool)
        waiter = asyncio.create_task(written(locked)(client, done), name="waiter")
        seen = await recorder.until(waiting, without_pool)
        done.set()
        await asyncio.gather(holder, waiter)
        return seen

    waiting = [f"holder: {LOCK} stock-lock (1), ok ?", f"waiter: {LOCK} stock-lock (1), ?"]
    assert asyncio.run(with_client(url, main)) == waiting
    assert [line.rpartition(", ")[2] for line in without_pool(recorder.lines())] == ["ok ok ok"] * 2
    assert len({resource for resource in recorder.resources() if resource.kind == LOCK}) == 1


def test_a_lock_acquired_by_a_call_is_held_until_it_is_released(recorder, url):
    """At the place of the call."""
    assert without_pool(recorder.run(with_client(url, locked_by_calls))) == [
        f"with_client: {LOCK} stock-lock (1), ok ok ok"
    ]
    site = next(site for site in recorder.sites() if site.enter == "acquire")
    assert (site.function, site.expression, site.exit) == ("locked_by_calls", "lock.acquire(**named)", "release")


def test_an_acquire_that_returns_false_held_nothing(recorder, url):
    """Redis says no by a value; it is an acquire that failed all the same."""

    async def main(client):
        async with client.lock("stock-lock"):
            await locked_by_calls(client, blocking=False)

    assert without_pool(recorder.run(with_client(url, main))) == [
        f"with_client: {LOCK} stock-lock (1), ok ok ok",
        f"with_client: {LOCK} stock-lock (1), error(NotAcquired)",
    ]


def test_a_server_that_is_not_there_makes_the_command_fail(recorder):
    """The pool gave no connection; the program gets redis's own error."""

    async def main():
        with pytest.raises(redis.ConnectionError):
            await with_client("redis://127.0.0.1:1/0", ask, max_connections=1)

    lines = recorder.run(main())
    assert {line.partition(", ")[2] for line in lines} == {"error(ConnectionError)"}


def test_an_awaited_client_is_held_until_it_is_closed(recorder, written, url):
    """From its constructor on, as one that is not awaited; its commands take the pool all the same."""
    recorder.list_all()
    lines = recorder.run(written(ask_by_calls)(url))
    assert [line.partition(" (")[0].partition(", ")[0] for line in lines] == [
        f"ask_by_calls: redis.asyncio.client.Redis {server(url)}",
        f"ask_by_calls: {POOL} {server(url)}",
    ]
    assert {line.partition(", ")[2] for line in lines} == {"ok ok ok"}
    site = recorder.sites()[0]
    assert (site.expression, site.enter, site.exit) == ("redis.Redis.from_url(url)", "Redis", "aclose")


def test_a_client_that_is_awaited_and_then_entered_is_held_once(recorder, written, url):
    """Its commands initialize nothing more."""

    async def main():
        await written(enter)(await redis.Redis.from_url(url))

    assert [line for line in recorder.run(main()) if "Pool" not in line] == [
        f"main: redis.asyncio.client.Redis {server(url)}, ok ok ok"
    ]


def test_who_waits_for_a_blocking_pool_is_seen_to_wait(recorder, url):
    """A pool of one: a command acquires until the channel has given its connection back."""

    async def main(client):
        channel = client.pubsub()
        await channel.subscribe("orders")
        asking = asyncio.create_task(ask(client), name="asking")
        seen = await recorder.until(waiting)
        await channel.aclose()
        await asking
        return seen

    pool = f"redis.asyncio.connection.BlockingConnectionPool {server(url)} (1)"
    waiting = [f"with_client: {pool}, ok ?", f"asking: {pool}, ?"]
    assert asyncio.run(with_client(url, main, max_connections=1, timeout=5)) == waiting
    assert recorder.lines() == [f"with_client: {pool}, ok ok ok", f"asking: {pool}, ok ok ok"]


def test_no_connection_in_time_is_an_acquire_that_failed(recorder, url):
    """The program gets redis's own error."""

    async def main(client):
        channel = client.pubsub()
        await channel.subscribe("orders")
        with pytest.raises(redis.ConnectionError, match="No connection available"):
            await ask(client)
        await channel.aclose()

    lines = recorder.run(with_client(url, main, max_connections=1, timeout=0.05))
    assert [line.partition(", ")[2] for line in lines] == ["ok ok ok", "error(ConnectionError)"]


def test_a_lock_that_is_not_free_in_time_was_never_held(recorder, written, url):
    """By calls the acquire returns false, by a statement it raises redis's LockError."""

    async def main(client):
        async with client.lock("stock-lock"):
            assert not await client.lock("stock-lock").acquire(blocking_timeout=0.05)
            with pytest.raises(redis.lock.LockError):
                async with client.lock("stock-lock", blocking_timeout=0.05):
                    pass

    assert [line.partition(", ")[2] for line in without_pool(recorder.run(with_client(url, main)))] == [
        "ok ok ok",
        "error(NotAcquired)",
        "error(LockError)",
    ]


def test_no_password_is_part_of_a_name(recorder, url):
    """A pool is called by its host, port and database, and so is a client."""

    async def main():
        client = await redis.Redis.from_url(url.replace("redis://", "redis://:secret@"))
        with contextlib.suppress(redis.RedisError):
            await client.get("stock")
        await client.aclose()

    recorder.list_all()
    recorder.run(main())
    assert [resource.name for resource in recorder.resources()] == [server(url), server(url)]


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (redis.ConnectionPool, "localhost:6379/0"),
        (lambda: redis.ConnectionPool(host="::1", port=6380, db=3), "[::1]:6380/3"),
        (lambda: redis.ConnectionPool.from_url("redis://:secret@cache.example:7000/shop"), "cache.example:7000/0"),
        (lambda: redis.ConnectionPool.from_url("unix:///run/redis.sock?db=2"), "/run/redis.sock/2"),
    ],
)
def test_a_pool_is_named_by_its_server(make, name):
    """Host and port with redis's defaults, or the path of a socket, and the database; never a password."""
    assert redis_adapter._server(make()) == name
