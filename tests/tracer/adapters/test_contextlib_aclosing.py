"""contextlib.aclosing and asyncio.Runner."""

import asyncio
import contextlib

import httpx
import pytest


async def use(manager):
    async with manager:
        pass


def test_closing_a_generator_holds_what_its_function_holds(recorder, written):
    """What is held until aclose() is the generator; aclosing is only the means."""

    async def main():
        return await written(read)(rows)

    assert recorder.run(main()) == [f"main: {__name__}.rows, ok ok ok"]
    assert (recorder.sites()[0].enter, recorder.sites()[0].exit) == ("__aenter__", "aclose")


async def rows():
    yield 1
    yield 2


async def read(rows):
    async with contextlib.aclosing(rows()) as found:
        return await anext(found)


def test_closing_an_object_is_a_use_of_that_object(recorder, written):
    """The same object is the same resource."""

    class Client:
        async def aclose(self):
            pass

    async def main():
        client = Client()
        for _ in range(2):
            await written(use)(contextlib.aclosing(client))

    lines = recorder.run(main())
    assert len(set(recorder.resources())) == 1
    assert [line.rpartition(", ")[2] for line in lines] == ["ok ok ok"] * 2


async def close_by_statement(make):
    client = make()
    async with contextlib.aclosing(client) as entered:
        assert entered is client


async def close_at_once(make):
    async with contextlib.aclosing(make()):
        pass


def test_a_runner_is_held_by_its_thread(recorder):
    """A program that has a runner of its own holds a loop; asyncio.run uses one too, and says nothing of it."""
    with asyncio.Runner() as runner:
        runner.run(use(asyncio.Lock()))
    assert recorder.run(use(asyncio.Lock())) == [
        "MainThread: asyncio.runners.Runner, ok ok ok",
        "use: asyncio.locks.Lock manager #1 (1), ok ok ok",
        "use-2: asyncio.locks.Lock manager #2 (1), ok ok ok",
    ]


@pytest.mark.parametrize("close", [close_by_statement, close_at_once])
def test_a_client_that_aclosing_closes_is_one_lifecycle(recorder, written, close):
    """It is held from its constructor to aclose(); entering aclosing is nothing new."""
    (line,) = recorder.run(written(close)(httpx.AsyncClient))
    assert line.startswith(f"{close.__name__}: httpx.AsyncClient")
    assert line.endswith(", ok ok ok")
