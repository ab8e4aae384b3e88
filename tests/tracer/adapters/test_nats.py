"""nats-py with a real server."""

import asyncio

import nats
import pytest
from nats.errors import NoServersError
from tests.tracer.support import servers


@pytest.fixture(scope="module")
def url():
    """The address of a NATS server of this test run."""
    with servers.nats() as address:
        yield address


async def request(url):
    async with await nats.connect(url) as client:

        async def answer(message):
            await message.respond(b"done")

        await client.subscribe("orders", cb=answer)
        return (await client.request("orders", b"17", timeout=5)).data


async def fail(url):
    async with await nats.connect(url):
        raise ValueError("no")


def test_a_client_is_held_and_known_by_its_server(recorder, written, url):
    """Nothing is told of what it uses within itself."""
    lines = recorder.run(written(request)(url))
    assert lines == [f"request: nats.aio.client.Client {url.removeprefix('nats://')}, ok ok ok"]
    assert {resource.stereotype for resource in recorder.resources()} == {"queue"}


def test_a_failure_goes_on_and_the_client_is_closed(recorder, written, url):
    """The block failed, the release did not."""

    async def main():
        with pytest.raises(ValueError, match="no"):
            await written(fail)(url)

    assert [line.partition(", ")[2] for line in recorder.run(main())] == ["ok error(ValueError) goes on"]


@pytest.mark.parametrize("end", [nats.NATS.close, nats.NATS.drain], ids=["close", "drain"])
def test_a_client_is_held_from_connect_until_it_is_closed_or_drained(recorder, written, url, end):
    """By calls: to drain it is to close it, and the release lasts as long."""

    async def main():
        client = await nats.connect(url)
        await client.flush()
        await getattr(client, end.__name__)()

    assert recorder.run(main()) == [f"main: nats.aio.client.Client {url.removeprefix('nats://')}, ok ok ok"]
    site = recorder.sites()[0]
    assert (site.expression, site.enter, site.exit) == ("nats.connect(url)", "connect", "close")


def test_a_client_that_connects_itself_is_held_too(recorder, url):
    """``nats.connect()`` is a shorthand; user and password are no part of the name."""

    async def main():
        client = nats.NATS()
        address = url.removeprefix("nats://")
        await client.connect(servers=[f"nats://shop:secret@{address}"])
        await client.close()
        return address

    address = asyncio.run(main())
    assert recorder.lines() == [f"main: nats.aio.client.Client {address}, ok ok ok"]


def test_a_server_that_is_not_there_makes_the_connecting_fail(recorder):
    """The program gets nats-py's own error; nothing was held."""

    async def say_nothing(_):
        pass

    async def main():
        with pytest.raises(NoServersError):
            await nats.connect("127.0.0.1:1", max_reconnect_attempts=1, reconnect_time_wait=0, error_cb=say_nothing)

    assert recorder.run(main()) == ["main: nats.aio.client.Client 127.0.0.1:1, error(NoServersError)"]


def test_a_client_whose_server_goes_away_for_good_is_held_no_more(recorder):
    """It closes itself where it may not connect again; to close it afterwards ends nothing more."""

    async def main():
        closed = asyncio.Event()

        async def note():
            closed.set()

        async def say_nothing(_):
            pass

        with servers.nats() as url:
            client = await nats.connect(url, allow_reconnect=False, closed_cb=note, error_cb=say_nothing)
        await asyncio.wait_for(closed.wait(), 5)
        seen = recorder.lines()
        await client.close()
        return seen

    seen = asyncio.run(main())
    assert [line.partition(", ")[2] for line in seen] == ["ok ok ok"]
    assert recorder.lines() == seen
