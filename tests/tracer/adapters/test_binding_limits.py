"""The capacity of a pool is the limit that makes somebody wait, and the resource is what has that limit."""

import asyncio
import contextlib

import aiohttp
import anyio
import httpx
import psycopg_pool
import pytest
import redis.asyncio as redis
from aiohttp import web
from sqlalchemy.ext.asyncio import create_async_engine
from tests.support.waiting import until

from tenure.adapters import redis as redis_adapter

CONNECTOR = "aiohttp.connector.TCPConnector"


@contextlib.asynccontextmanager
async def holding(*, servers=1):
    """Servers whose responses end when the event is set: it and their URLs."""
    done = asyncio.Event()

    async def hold(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await done.wait()
        return response

    runners = []
    for _ in range(servers):
        app = web.Application()
        app.add_routes([web.get("/", hold)])
        runners.append(web.AppRunner(app, access_log=None))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
    try:
        yield done, ["http://{}:{}".format(*runner.addresses[0]) for runner in runners]
    finally:
        done.set()
        for runner in runners:
            await runner.cleanup()


def phases(recorder, kind):
    """By resource, "name (capacity)": how many hold it and how many wait for it."""
    seen = {}
    for lifecycle, resource in zip(recorder.lifecycles(), recorder.resources(), strict=True):
        if resource.kind.startswith(kind):
            counts = seen.setdefault(f"{resource.name} ({resource.capacity})", [0, 0])
            if lifecycle.outcomes == "ok - -":
                counts[0] += 1
            elif lifecycle.outcomes == "- - -":
                counts[1] += 1
    return {name: tuple(counts) for name, counts in seen.items()}


async def read(session, url):
    async with session.get(url) as response:
        await response.read()


def use_connector(recorder, servers, requests, **limits):
    """What is held and waited for while nothing is answered, by the number of the server; and at the end."""

    async def main():
        async with (
            holding(servers=servers) as (done, urls),
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(**limits)) as session,
        ):
            tasks = [asyncio.create_task(read(session, urls[number])) for number in requests]
            await until(lambda: sum(map(sum, phases(recorder, CONNECTOR).values())) >= len(requests))
            await asyncio.sleep(0.1)
            names = {url.removeprefix("http://"): f"host {number}" for number, url in enumerate(urls)}
            seen = phases(recorder, CONNECTOR)
            done.set()
            await asyncio.gather(*tasks)
            return {_renamed(name, names): counts for name, counts in seen.items()}

    seen = asyncio.run(main())
    lines = [line.rpartition(", ")[2] for line in recorder.lines() if CONNECTOR in line]
    assert set(lines) == {"ok ok ok"}
    return seen


def _renamed(name, names):
    for old, new in names.items():
        name = name.replace(old, new)
    return name


def test_a_limit_for_each_host_is_a_resource_for_each_host(recorder):
    """Its holders and its waiters; the whole connector does not bind, so it is none."""
    seen = use_connector(recorder, 2, [0, 0, 0, 1], limit_per_host=2)
    assert seen == {"host 0 (2)": (2, 1), "host 1 (2)": (1, 0)}


def test_without_a_limit_for_each_host_the_connector_is_the_resource(recorder):
    """As with a limit of the whole alone."""
    assert use_connector(recorder, 2, [0, 0, 1], limit=2) == {" (2)": (2, 1)}


def test_without_a_whole_limit_only_the_hosts_bind(recorder):
    """Zero means that there is none."""
    assert use_connector(recorder, 1, [0, 0], limit=0, limit_per_host=1) == {"host 0 (1)": (1, 1)}


def test_a_connector_without_limits_has_no_capacity(recorder):
    assert use_connector(recorder, 1, [0, 0], limit=0) == {" (None)": (2, 0)}


def test_who_waits_for_the_whole_connector_waits_there(recorder):
    """Three of three are held, of one host two and of the other one; the fourth request waits for the whole."""
    seen = use_connector(recorder, 2, [0, 0, 1, 1, 0], limit=3, limit_per_host=2)
    assert seen == {"host 0 (2)": (2, 1), "host 1 (2)": (1, 0), " (3)": (3, 1)}


def test_a_host_that_makes_nobody_wait_any_more_is_free(recorder):
    """A request that times out waiting held nothing."""

    async def main():
        connector = aiohttp.TCPConnector(limit=2, limit_per_host=1)
        async with (
            holding(servers=3) as (done, urls),
            aiohttp.ClientSession(connector=connector) as session,
        ):
            tasks = [asyncio.create_task(read(session, url)) for url in urls[:2]]
            await until(lambda: phases(recorder, CONNECTOR) and len(connector._acquired) == 2)
            for url in urls[1:]:
                with pytest.raises(aiohttp.ConnectionTimeoutError):
                    await session.get(url, timeout=aiohttp.ClientTimeout(connect=0.02))
            done.set()
            await asyncio.gather(*tasks)

    asyncio.run(main())
    lines = [line.rpartition(", ")[2] for line in recorder.lines() if CONNECTOR in line]
    assert sorted(lines) == ["error(TimeoutError)"] * 2 + ["ok ok ok"] * 4


def test_each_route_of_an_httpx_client_is_a_pool_of_its_own(recorder):
    """Named by its pattern, with its own limit."""

    async def fetch(client, url):
        await client.get(url)

    async def main():
        async with holding(servers=2) as (done, urls):
            few = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=1))
            async with httpx.AsyncClient(mounts={urls[1]: few}, limits=httpx.Limits(max_connections=3)) as client:
                tasks = [asyncio.create_task(fetch(client, urls[number])) for number in (0, 0, 1, 1)]
                expected = {" (3)": (2, 0), f"{urls[1]} (1)": (1, 1)}
                await until(lambda: phases(recorder, "httpcore") == expected)
                done.set()
                await asyncio.gather(*tasks)

    asyncio.run(main())


@pytest.mark.parametrize("http2", [False, True])
def test_connections_that_are_not_shared_bind_also_where_http2_is_allowed(recorder, http2):
    """The server speaks HTTP/1.1, so one connection serves one request."""

    async def main():
        async with holding() as (done, (url,)):
            limits = httpx.Limits(max_connections=1)
            async with httpx.AsyncClient(http2=http2, limits=limits) as client:
                tasks = [asyncio.create_task(client.get(url)) for _ in range(2)]
                await until(lambda: phases(recorder, "httpcore") == {" (1)": (1, 1)})
                done.set()
                await asyncio.gather(*tasks)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("options", "capacity"),
    [
        ({"pool_size": 2, "max_overflow": 3}, 5),
        ({"pool_size": 2, "max_overflow": 0}, 2),
        ({"pool_size": 2, "max_overflow": -1}, None),
        ({"pool_size": 0}, None),
    ],
)
def test_an_engines_capacity_is_its_pool_with_its_overflow(recorder, tmp_path, options, capacity):
    async def main():
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/shop.db", **options)
        async with engine.connect():
            pass
        await engine.dispose()

    asyncio.run(main())
    assert {r.capacity for r in recorder.resources() if r.kind.endswith("AsyncEngine")} == {capacity}


def test_a_limiter_that_is_resized_has_its_new_capacity(recorder, written):
    """Whoever waited has a place then."""

    async def main():
        limiter = anyio.CapacityLimiter(1)
        done = asyncio.Event()
        tasks = [asyncio.create_task(hold(limiter, done)) for _ in range(2)]
        await until(lambda: phases(recorder, "anyio.CapacityLimiter") == {"limiter (1)": (1, 1)})
        limiter.total_tokens = 2
        await until(lambda: phases(recorder, "anyio.CapacityLimiter").get("limiter (2)") == (1, 0))
        done.set()
        await asyncio.gather(*tasks)

    async def hold(limiter, done):
        async with limiter:
            await done.wait()

    asyncio.run(main())
    assert [resource.capacity for resource in recorder.resources()][-1] == 2


def test_a_pool_that_is_resized_has_its_new_capacity(recorder, postgres):
    """psycopg_pool's ``resize()`` while a connection is in use."""

    async def main():
        pool = psycopg_pool.AsyncConnectionPool(f"postgresql:{postgres}", open=False, min_size=0, max_size=1)
        await pool.open()
        async with pool.connection():
            first = capacities()
            await pool.resize(0, 3)
        second = capacities()
        await pool.close()
        return first, second

    def capacities():
        recorder.lines()
        return [r.capacity for r in recorder.resources() if r.kind == "psycopg_pool.AsyncConnectionPool"]

    assert asyncio.run(main()) == ([1], [3])


def test_a_blocking_pool_of_redis_has_its_limit():
    """It is that of the moment: the attribute is public."""
    pool = redis.BlockingConnectionPool(max_connections=3)
    before = redis_adapter._limit(pool)
    pool.max_connections = 5
    assert (before, redis_adapter._limit(pool)) == (3, 5)
