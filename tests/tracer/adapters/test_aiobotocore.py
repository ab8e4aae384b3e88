"""aiobotocore's clients, with a server that answers every request."""

import asyncio
import contextlib

import pytest
from aiobotocore.session import get_session
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.tracer.support.http_answers import with_server

REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
CLIENT = "with_server: aiobotocore.Client s3, ok ok ok"


def options(url, connections=10):
    """What a client needs here; nothing is retried."""
    config = Config(max_pool_connections=connections, retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    return {"endpoint_url": url, "region_name": "eu-north-1", "config": config, **keys}


async def fetch(url):
    async with get_session().create_client("s3", **options(url)) as client:
        answer = await client.get_object(Bucket="shop", Key="pen")
        async with answer["Body"] as body:
            return await body.read()


async def list_them(url):
    async with get_session().create_client("s3", **options(url)) as client:
        with contextlib.suppress(ClientError):
            await client.list_buckets()


async def in_a_stack(url):
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(get_session().create_client("sqs", **options(url)))
        assert client is not None


def test_a_request_acquires_a_connection_of_its_client_at_the_programs_line(recorder, written):
    """Sessions, connectors and locks of aiohttp and aiobotocore are internal."""
    assert recorder.run(with_server(written(fetch))) == [
        CLIENT,
        "with_server: aiobotocore.ConnectionPool (10), ok ok ok",
        "with_server: aiobotocore.StreamingBody, ok ok ok",
    ]
    client, pool, _ = recorder.sites()
    assert (client.function, client.enter) == ("fetch", "create_client")
    assert (pool.file, pool.function, pool.enter, pool.exit) == (__file__, "fetch", "connect", "release")
    assert pool.expression.startswith("client.get_object(")


def test_a_refusal_leaves_nothing_held(recorder, written):
    """The connection is back, and the client is closed."""
    assert recorder.run(with_server(written(list_them), REFUSAL)) == [
        CLIENT,
        "with_server: aiobotocore.ConnectionPool (10), ok ok ok",
    ]


def test_a_client_is_recorded_where_no_code_is_rewritten(recorder):
    """By its service, also from an exit stack."""
    assert "with_server: aiobotocore.Client sqs, ok ok ok" in recorder.run(with_server(in_a_stack))


def test_requests_wait_for_a_connection(recorder):
    """A client of one connection: the second request has it when the first answer was read."""
    waiting = [
        f"{name}: aiobotocore.ConnectionPool (1), {phase}" for name, phase in (("first", "ok ?"), ("second", "?"))
    ]
    lines = []

    async def get(client):
        answer = await client.get_object(Bucket="shop", Key="pen")
        return await answer["Body"].read()

    async def main():
        answering = asyncio.Event()

        async def respond(reader, writer):
            with contextlib.suppress(asyncio.IncompleteReadError):
                while await reader.readuntil(b"\r\n\r\n"):
                    await answering.wait()
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
            writer.close()

        server = await asyncio.start_server(respond, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with get_session().create_client("s3", **options(url, connections=1)) as client:
            first = asyncio.create_task(get(client), name="first")
            await recorder.until(waiting[:1], select=pools)
            second = asyncio.create_task(get(client), name="second")
            lines.extend(await recorder.until(waiting, select=pools))
            answering.set()
            assert await asyncio.gather(first, second) == [b"done", b"done"]
        server.close()
        await server.wait_closed()

    def pools(lines):
        return [line for line in lines if "Pool" in line]

    asyncio.run(main())
    assert lines == waiting
    assert [line.partition(", ")[2] for line in pools(recorder.lines())] == ["ok ok ok"] * 2


def test_a_server_that_is_not_there_is_the_programs_error(recorder, written):
    """The acquire of the connection failed."""

    async def main():
        with pytest.raises(Exception, match="Could not connect to the endpoint URL"):
            await written(fetch)("http://127.0.0.1:1")

    assert [line.partition(", ")[2] for line in recorder.run(main()) if "Pool" in line] == [
        "error(ClientConnectorError)"
    ]
