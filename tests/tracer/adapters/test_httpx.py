"""httpx's clients, requests and pools."""

import asyncio

import httpx
import pytest
from tests.support.waiting import until
from tests.tracer.support.http_answers import with_server

from tenure._identify import tracer
from tenure.adapters import httpcore

POOL = "with_server: httpcore.AsyncConnectionPool (100)"


@pytest.fixture(autouse=True)
def uses_alone(recorder):
    """A client that a test makes by hand is not listed."""
    recorder.leave_out("AsyncClient")


async def fetch(url):
    async with httpx.AsyncClient() as client:
        return (await client.get(url)).text


async def stream(url):
    async with httpx.AsyncClient() as client, client.stream("GET", url) as response:
        return await response.aread()


async def stream_of(client, url):
    async with client.stream("GET", url) as response:
        response.raise_for_status()


def lines_of_the_program(recorder):
    sites = recorder.sites()
    return [line for line, site in zip(recorder.lines(), sites, strict=True) if site.file == __file__]


def test_a_client_is_held_and_a_connection_of_its_pool_for_each_request(recorder, written):
    """Transports and locks of httpx, httpcore and anyio are their own affair."""
    assert recorder.run(with_server(written(fetch))) == [
        "with_server: httpx.AsyncClient, ok ok ok",
        f"{POOL}, ok ok ok",
    ]
    site = recorder.sites()[1]
    assert (site.file, site.function, site.expression, site.enter) == (
        __file__,
        "fetch",
        "client.get(url)",
        "connection",
    )


def test_a_stream_holds_its_client_until_the_response_is_closed(recorder, written):
    """client.stream() is a handle on the client, and they are one resource."""
    client = "with_server: httpx.AsyncClient, ok ok ok"
    assert recorder.run(with_server(written(stream))) == [client, client, f"{POOL}, ok ok ok"]
    assert len(set(recorder.resources())) == 2
    assert recorder.sites()[1].enter == "stream"


def test_a_stream_of_a_client_that_was_not_entered_is_named_by_what_the_program_calls_it(recorder, written):
    """And a refusal is the body's failure, not the client's."""

    async def main(url):
        client = httpx.AsyncClient()
        with pytest.raises(httpx.HTTPStatusError):
            await written(stream_of)(client, url)
        await client.aclose()

    answer = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
    assert recorder.run(with_server(main, answer)) == [
        "with_server: httpx.AsyncClient client, ok error(HTTPStatusError) goes on",
        f"{POOL}, ok ok ok",
    ]


def test_a_server_that_is_not_there_makes_the_stream_fail(recorder, written):
    """The acquire failed with httpx's own error."""

    async def main():
        client = httpx.AsyncClient()
        with pytest.raises(httpx.ConnectError):
            await written(stream_of)(client, "http://127.0.0.1:1")
        await client.aclose()

    assert recorder.run(main()) == [
        "main: httpx.AsyncClient client, error(ConnectError)",
        "main: httpcore.AsyncConnectionPool (100), ok error(ConnectError) goes on",
    ]


async def ask(client, url):
    return (await client.get(url)).text


async def main_of_two(url, is_enough, **options):
    client = httpx.AsyncClient(limits=httpx.Limits(max_connections=1), **options)
    async with client.stream("GET", url) as response:
        second = asyncio.create_task(ask(client, url), name="second")
        await until(is_enough)
        await response.aread()
    await asyncio.gather(second, return_exceptions=True)
    await client.aclose()


def pools(recorder):
    return [line for line in recorder.lines() if "Pool" in line]


def test_waiting_for_the_pool_is_an_acquire_that_waits(recorder):
    """The second request has its connection when the first response is closed."""
    waiting = [
        "with_server: httpcore.AsyncConnectionPool (1), ok ?",
        "second: httpcore.AsyncConnectionPool (1), ?",
    ]
    asyncio.run(with_server(lambda url: main_of_two(url, lambda: pools(recorder) == waiting)))
    assert [line.partition(", ")[2] for line in pools(recorder)] == ["ok ok ok"] * 2


def test_a_request_that_waits_too_long_for_the_pool_fails_to_acquire(recorder):
    """With httpcore's own exception, of which httpx makes its PoolTimeout."""
    timeout = httpx.Timeout(5, pool=0.01)
    asyncio.run(with_server(lambda url: main_of_two(url, lambda: "error" in str(pools(recorder)), timeout=timeout)))
    assert pools(recorder)[1] == "second: httpcore.AsyncConnectionPool (1), error(PoolTimeout)"


def test_a_request_that_is_cancelled_gives_its_connection_back(recorder):
    """It is told as the end of the hold, and nothing is kept."""

    async def main(url):
        client = httpx.AsyncClient()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.get(url), 0.1)
        await client.aclose()

    asyncio.run(with_server(main, b"HTTP/1.1 200 OK\r\n"))
    assert [line.partition(", ")[2] for line in pools(recorder)] == ["ok cancelled(CancelledError) goes on"]
    assert tracer.current.of(httpcore._Requests).records == {}


def test_requests_that_are_tasks_of_their_own_are_told(recorder):
    """gather() makes a task of each, in which there is no line of the program."""

    async def main(url):
        client = httpx.AsyncClient()
        await asyncio.gather(client.get(url), client.get(url))
        await client.aclose()

    asyncio.run(with_server(main))
    assert [line.partition(" ")[2] for line in pools(recorder)] == ["httpcore.AsyncConnectionPool (100), ok ok ok"] * 2


def test_without_a_limit_the_pool_has_no_capacity(recorder):
    """And what is not httpcore's transport takes none of its connections."""

    async def main(url):
        client = httpx.AsyncClient(limits=httpx.Limits(max_connections=None))
        await ask(client, url)
        await client.aclose()
        mocked = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
        await ask(mocked, url)
        await mocked.aclose()

    assert recorder.run(with_server(main)) == ["with_server: httpcore.AsyncConnectionPool, ok ok ok"]
