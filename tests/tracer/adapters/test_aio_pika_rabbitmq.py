"""aio-pika against a RabbitMQ, which PyPI has none of: not run by `make test`.

    TENURE_AMQP_URL=amqp://guest:guest@127.0.0.1:5672/ .venv/bin/python -m pytest -m rabbitmq

Debian's package rabbitmq-server is enough. Queues are the tests' own, and deleted with their connections.
"""

import os

import aio_pika
import pytest
from aio_pika.exceptions import ProbableAuthenticationError

pytestmark = pytest.mark.rabbitmq

CONNECTS = {
    "connect": "aio_pika.connection.Connection",
    "connect_robust": "aio_pika.robust_connection.RobustConnection",
}
CHANNELS = {"connect": "aio_pika.channel.Channel", "connect_robust": "aio_pika.robust_channel.RobustChannel"}


@pytest.fixture(scope="module")
def url():
    """The broker's address; without one these tests fail, they do not pass by."""
    return os.environ["TENURE_AMQP_URL"]


def place(url):
    return url.rpartition("@")[2].rstrip("/")


async def by_calls(connect, url):
    connection = await connect(url)
    channel = await connection.channel()
    await channel.close()
    await connection.close()


async def by_statements(connect, url):
    async with await connect(url) as connection, connection.channel() as channel:
        await channel.set_qos(1)


async def closed_with_its_connection(connect, url):
    connection = await connect(url)
    channel = await connection.channel()
    await channel.set_qos(1)
    await connection.close()


async def send_and_read(url):
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        queue = await channel.declare_queue("tenure-orders", exclusive=True)
        await channel.default_exchange.publish(aio_pika.Message(b"17"), routing_key="tenure-orders")
        async with queue.iterator() as messages:
            message = await anext(messages)
            async with message.process():
                return message.body


async def in_transaction(url, error=None):
    async with (
        await aio_pika.connect(url) as connection,
        connection.channel(publisher_confirms=False) as channel,
        channel.transaction(),
    ):
        if error is not None:
            raise error


@pytest.mark.parametrize("connect", CONNECTS)
@pytest.mark.parametrize("use", [by_calls, by_statements, closed_with_its_connection])
def test_connections_and_channels_are_held_until_they_are_closed(recorder, written, url, connect, use):
    """By calls and by statements, robust or not; a channel ends with its connection."""
    lines = recorder.run(written(use)(getattr(aio_pika, connect), url))
    assert lines == [
        f"{use.__name__}: {CONNECTS[connect]} {place(url)}, ok ok ok",
        f"{use.__name__}: {CHANNELS[connect]}, ok ok ok",
    ]
    assert {resource.stereotype for resource in recorder.resources()} == {"queue"}


def test_a_queue_is_held_while_it_is_read_and_a_message_while_it_is_processed(recorder, written, url):
    """In this order, each within the other."""
    assert recorder.run(written(send_and_read)(url)) == [
        f"send_and_read: {CONNECTS['connect']} {place(url)}, ok ok ok",
        f"send_and_read: {CHANNELS['connect']}, ok ok ok",
        "send_and_read: aio_pika.Queue.iterator tenure-orders, ok ok ok",
        "send_and_read: aio_pika.IncomingMessage.process tenure-orders, ok ok ok",
    ]


def test_a_transaction_is_a_use_of_its_own(recorder, written, url):
    """It fails with its body, and the exception goes on."""

    async def main():
        await written(in_transaction)(url)
        with pytest.raises(ValueError, match="no"):
            await written(in_transaction)(url, ValueError("no"))

    lines = [line for line in recorder.run(main()) if "Transaction" in line]
    assert lines == [
        "main: aio_pika.Transaction, ok ok ok",
        "main: aio_pika.Transaction, ok error(ValueError) goes on",
    ]


def test_a_connection_that_is_refused_was_never_held(recorder, url):
    """The program gets aio-pika's own error, and the password is no part of the name."""

    async def main():
        with pytest.raises(ProbableAuthenticationError):
            await aio_pika.connect(f"amqp://nobody:secret@{place(url)}/")

    assert recorder.run(main()) == [f"main: {CONNECTS['connect']} {place(url)}, error(ProbableAuthenticationError)"]
