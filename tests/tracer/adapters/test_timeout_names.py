"""Timeouts of libraries are called by what the program wrote, at the program's line."""

import asyncio
import contextlib

import aiohttp
import anyio
import async_timeout
import httpx
import pytest
from aiohttp import web
from tests.tracer.support.cancelled_programs import hold, run
from tests.tracer.support.http_answers import with_server

from tenure import testing


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: anyio.fail_after(0.01), "fail_after"),
        (lambda: anyio.move_on_after(0.01), "move_on_after"),
        (lambda: async_timeout.timeout(0.01), "async_timeout"),
        (lambda: asyncio.timeout(0.01), "timeout"),
    ],
)
def test_a_timeout_has_the_name_of_the_function_that_was_called(make, name):
    """Functions of anyio and asyncio, and async_timeout, whose class is one of asyncio's."""

    async def main():
        limit = make()
        with contextlib.suppress(TimeoutError):
            if hasattr(limit, "__aenter__"):
                async with limit:
                    await hold()
            else:
                with limit:
                    await hold()

    (line,) = {text for text in run(main) if text.startswith("main: ")}
    assert line.startswith(f"main: {name} 0.01 s | in ")


@pytest.mark.parametrize("way", ["enter", "await"])
def test_a_client_timeout_of_aiohttp_is_named_at_the_line_that_waits(way):
    """The exception that it raises says who cancelled, with the length that the program gave."""

    async def wait(request):
        await asyncio.Event().wait()

    async def main():
        app = web.Application()
        app.router.add_get("/", wait)
        runner = web.AppRunner(app, shutdown_timeout=0.01)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ((host, port),) = runner.addresses
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.05)) as session:
            with contextlib.suppress(TimeoutError):
                async with asyncio.Lock():
                    if way == "enter":
                        async with session.get(f"http://{host}:{port}/"):
                            pass
                    else:
                        await session.get(f"http://{host}:{port}/")
        await runner.cleanup()

    with testing.recorder() as recorder:
        asyncio.run(main())
        batches = recorder.batches()
    assert ("TimeoutError", "ClientTimeout 0.05 s", "main") in named(batches)


def named(batches):
    """Each canceller with a site: what it raised, its name, the function of its site."""
    return {
        (batch.exceptions[by.exception - 1].type, by.via, batch.sites[by.site - 1].function.rpartition(".")[2])
        for batch in batches
        for by in batch.cancellers
        if by.site
    }


def test_a_timeout_in_a_task_that_runs_none_of_the_programs_functions_is_at_the_line_that_made_the_task():
    """The stack of that task has a library's frames and Tenure's."""

    async def main(url):
        limits, timeout = httpx.Limits(max_connections=1), httpx.Timeout(5, pool=0.01)
        async with httpx.AsyncClient(limits=limits, timeout=timeout) as client, client.stream("GET", url):
            await asyncio.gather(client.get(url), return_exceptions=True)

    with testing.recorder() as recorder:
        asyncio.run(with_server(main))
        batches = recorder.batches()
    assert ("httpcore.PoolTimeout", "httpx timeout 0.01 s", "main") in named(batches)
