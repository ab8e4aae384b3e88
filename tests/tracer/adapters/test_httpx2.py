"""httpx2 and httpcore2 are recorded as httpx and httpcore are; what httpx2 has besides is a use of the client."""

import asyncio

import httpx
import httpx2
import pytest
from tests.tracer.support.http_answers import serving, with_server

from tenure import testing

EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 13\r\n\r\ndata: hello\n\n"

PROGRAM = """
import asyncio

async def fetch(library, url):
    async with library.AsyncClient() as client:
        assert (await client.get(url)).text == "done"

async def stream(library, url):
    async with library.AsyncClient() as client, client.stream("GET", url) as response:
        await response.aread()

async def together(library, url):
    client = library.AsyncClient(limits=library.Limits(max_connections=1))
    await asyncio.gather(*(client.get(url) for _ in range(3)))
    await client.aclose()

async def unlimited(library, url):
    async with library.AsyncClient(limits=library.Limits(max_connections=None)) as client:
        await client.get(url)

async def refused(library, url):
    async with library.AsyncClient() as client:
        try:
            async with client.stream("GET", "http://127.0.0.1:1") as response:
                await response.aread()
        except library.ConnectError:
            pass

async def cancelled(library, url):
    async with library.AsyncClient() as client:
        try:
            async with asyncio.timeout(0.05):
                await client.get(url)
        except TimeoutError:
            pass

async def sse(library, url):
    async with library.AsyncClient() as client:
        async with client.sse(url) as events:
            assert [event.data async for event in events] == ["hello"]
"""


def recorded(library, scenario):
    """The lines of one scenario, with the names of httpx; the answer to a request to be cancelled has no end."""
    answer = [b"HTTP/1.1 200 OK\r\n"] if scenario == "cancelled" else []
    with testing.recorder() as recorder:
        app = recorder.load(PROGRAM)
        asyncio.run(with_server(lambda url: getattr(app, scenario)(library, url), *answer))
        lines = [
            f"{row.task}: {row.resource} {row.capacity} at {row.expression}: {row.outcomes} {row.exception}"
            for row in recorder.lifecycles()
            if "serving" not in row.resource
        ]
    return [line.replace("httpx2", "httpx").replace("httpcore2", "httpcore") for line in lines]


@pytest.mark.parametrize("scenario", ["fetch", "stream", "together", "unlimited", "refused", "cancelled"])
def test_both_libraries_are_recorded_alike(scenario):
    """Clients, requests, pools, failures and cancellations; nothing of the transport's own."""
    lines = recorded(httpx2, scenario)
    assert lines == recorded(httpx, scenario)
    assert any("httpcore.AsyncConnectionPool" in line for line in lines)


def test_the_kinds_are_the_librarys_own(recorder):
    """Both may be used in one program."""

    async def main(url):
        for library in (httpx, httpx2):
            async with library.AsyncClient() as client:
                await client.get(url)

    asyncio.run(with_server(main))
    assert [row.resource for row in recorder.lifecycles()] == [
        "httpx.AsyncClient",
        "httpcore.AsyncConnectionPool",
        "httpx2.AsyncClient",
        "httpcore2.AsyncConnectionPool",
    ]


def test_server_sent_events_are_a_use_of_the_client():
    """Named as ``stream()`` is; the stream inside is httpx2's own affair."""
    with testing.recorder() as recorder:
        app = recorder.load(PROGRAM)
        manager = serving(EVENTS)

        async def main():
            url = await manager.gen.__anext__()
            try:
                await app.sse(httpx2, url)
            finally:
                await manager.gen.aclose()

        asyncio.run(main())
        (batch,) = recorder.batches()
    names = [(batch.resources[row.resource].kind, batch.sites[row.site].enter) for row in batch.rows]
    assert names == [
        ("httpx2.AsyncClient", "__aenter__"),
        ("httpx2.AsyncClient", "sse"),
        ("httpcore2.AsyncConnectionPool", "connection"),
    ]
