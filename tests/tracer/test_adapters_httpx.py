import asyncio
import contextlib

import httpx
import pytest


@contextlib.asynccontextmanager
async def serving(answer=b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"):
    answering = []

    async def respond(reader, writer):
        answering.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
                await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.gather(*answering)


async def with_server(use, *arguments, **named):
    """Runs ``use(url)`` with a server that is held by no statement."""
    manager = serving(*arguments, **named)
    url = await manager.gen.__anext__()
    try:
        return await use(url)
    finally:
        await manager.gen.aclose()


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


def test_a_client_is_held_and_nothing_is_told_of_what_it_uses(recorder, written):
    """Transports, pools and locks of httpx, httpcore and anyio are their own affair."""
    assert recorder.run(with_server(written(fetch))) == ["with_server: httpx.AsyncClient, ok ok ok"]


def test_a_stream_holds_its_client_until_the_response_is_closed(recorder, written):
    """client.stream() is a handle on the client, and they are one resource."""
    assert recorder.run(with_server(written(stream))) == ["with_server: httpx.AsyncClient, ok ok ok"] * 2
    assert len(set(recorder.resources())) == 1
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
        "with_server: httpx.AsyncClient client, ok error(HTTPStatusError) goes on"
    ]


def test_a_server_that_is_not_there_makes_the_stream_fail(recorder, written):
    """The acquire failed with httpx's own error."""

    async def main():
        client = httpx.AsyncClient()
        with pytest.raises(httpx.ConnectError):
            await written(stream_of)(client, "http://127.0.0.1:1")
        await client.aclose()

    assert recorder.run(main()) == ["main: httpx.AsyncClient client, error(ConnectError)"]
