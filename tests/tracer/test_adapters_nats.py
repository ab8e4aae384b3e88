import nats
import pytest
from tests.tracer import servers


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
