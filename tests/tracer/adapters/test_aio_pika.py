"""aio-pika's pools and messages, and a broker that is away."""

import asyncio
import contextlib

import aio_pika
import pytest
from aio_pika import pool as pools
from aio_pika.exceptions import AMQPConnectionError
from aio_pika.message import IncomingMessage
from aiormq.abc import DeliveredMessage
from pamqp import commands
from pamqp.header import ContentHeader


@pytest.fixture(autouse=True)
def uses_alone(recorder):
    """A client that a test makes by hand is not listed."""
    recorder.leave_out("Pool")


class Channel:
    async def close(self):
        pass


class Broker:
    """What a message answers to."""

    is_closed = False

    def __init__(self):
        self.told = []

    async def basic_ack(self, *arguments, **named):
        self.told.append("ack")

    async def basic_reject(self, *arguments, **named):
        self.told.append("reject")


def message(broker):
    delivery = commands.Basic.Deliver(consumer_tag="1", delivery_tag=1, exchange="", routing_key="orders")
    header = ContentHeader(properties=commands.Basic.Properties())
    return IncomingMessage(DeliveredMessage(delivery=delivery, header=header, body=b"17", channel=broker))


async def take(pool, until=None):
    async with pool.acquire():
        if until is not None:
            await until.wait()


async def process(message, error=None):
    async with message.process():
        if error is not None:
            raise error


async def make():
    return Channel()


def test_a_pool_is_the_resource_behind_its_items_and_waiters_wait(recorder, written):
    """The capacity is the pool's; a pool of one lets the second task wait."""
    waiting = ["holder: aio_pika.pool.Pool pool (1), ok ?", "waiter: aio_pika.pool.Pool pool (1), ?"]

    async def main():
        pool, done = pools.Pool(make, max_size=1), asyncio.Event()
        holder = asyncio.create_task(written(take)(pool, done), name="holder")
        await recorder.until(waiting[:1])
        waiter = asyncio.create_task(written(take)(pool, done), name="waiter")
        seen = await recorder.until(waiting)
        done.set()
        await asyncio.gather(holder, waiter)
        return seen

    assert asyncio.run(main()) == waiting
    assert len(set(recorder.resources())) == 1


@pytest.mark.parametrize(
    ("error", "outcome", "told"),
    [(None, "ok ok ok", ["ack"]), (ValueError("no"), "ok error(ValueError) goes on", ["reject"])],
)
def test_a_message_is_held_while_it_is_processed(recorder, written, error, outcome, told):
    """It is known by its routing key, and answered as without us."""
    broker = Broker()

    async def main():
        with contextlib.suppress(ValueError):
            await written(process)(message(broker), error)

    assert recorder.run(main()) == [f"main: aio_pika.IncomingMessage.process orders, {outcome}"]
    assert broker.told == told


def test_a_broker_that_is_not_there_is_refused_in_aio_pikas_own_words(recorder):
    """The connection is awaited before it is entered: that failed, and the password is no part of its name."""

    async def main():
        with pytest.raises(AMQPConnectionError):
            async with await aio_pika.connect("amqp://shop:secret@127.0.0.1:1"):
                pass

    assert recorder.run(main()) == ["main: aio_pika.connection.Connection 127.0.0.1:1, error(AMQPConnectionError)"]
