"""aiokafka's producers, consumers and transactions."""

import asyncio

import aiokafka
import pytest
from aiokafka.errors import IllegalOperation, KafkaConnectionError
from tests.tracer.support import servers


@pytest.fixture(scope="module")
def address():
    """The address of a broker of this test run that speaks Kafka's protocol."""
    with servers.kafka() as broker:
        yield broker


async def produce(address):
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=address) as producer:
        await producer.send_and_wait("orders", b"17")


async def consume(address):
    async with aiokafka.AIOKafkaConsumer("orders", bootstrap_servers=address, auto_offset_reset="earliest") as consumer:
        return (await consumer.getone()).value


async def produce_by_calls(address):
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=address)
    await producer.start()
    await producer.send_and_wait("orders", b"17")
    await producer.stop()


async def consume_by_calls(address):
    consumer = aiokafka.AIOKafkaConsumer("orders", bootstrap_servers=address, auto_offset_reset="earliest")
    await consumer.start()
    try:
        return (await consumer.getone()).value
    finally:
        await consumer.stop()


async def in_transaction(producer):
    async with producer.transaction():
        pass


async def in_transaction_by_calls(producer):
    await producer.begin_transaction()


async def start(consumer):
    async with consumer:
        pass


def test_producers_and_consumers_are_held_and_consumers_are_known_by_their_topics(recorder, written, address):
    """Nothing is told of what they use within themselves."""

    async def main():
        await written(produce)(address)
        return await written(consume)(address)

    assert recorder.run(main()) == [
        "main: aiokafka.AIOKafkaProducer, ok ok ok",
        "main: aiokafka.AIOKafkaConsumer orders, ok ok ok",
    ]
    assert {resource.stereotype for resource in recorder.resources()} == {"queue"}


def test_a_broker_that_is_not_there_makes_the_start_fail(recorder, written):
    """The program gets aiokafka's own error; nothing was held."""

    async def main():
        consumer = aiokafka.AIOKafkaConsumer("orders", bootstrap_servers="127.0.0.1:1")
        with pytest.raises(KafkaConnectionError):
            await written(start)(consumer)
        await consumer.stop()

    assert recorder.run(main()) == ["main: aiokafka.AIOKafkaConsumer orders, error(KafkaConnectionError)"]


def test_they_are_held_from_start_to_stop(recorder, written, address):
    """By calls as by statements."""

    async def main():
        await written(produce_by_calls)(address)
        return await written(consume_by_calls)(address)

    assert recorder.run(main()) == [
        "main: aiokafka.AIOKafkaProducer producer, ok ok ok",
        "main: aiokafka.AIOKafkaConsumer orders, ok ok ok",
    ]
    assert [(site.function, site.expression, site.enter, site.exit) for site in recorder.sites()] == [
        ("produce_by_calls", "producer.start()", "start", "stop"),
        ("consume_by_calls", "consumer.start()", "start", "stop"),
    ]


def test_a_start_that_fails_or_is_cancelled_held_nothing(recorder, address):
    """By calls too; a consumer that never started is stopped and ends nothing."""

    async def main():
        consumer = aiokafka.AIOKafkaConsumer("orders", bootstrap_servers="127.0.0.1:1")
        with pytest.raises(KafkaConnectionError):
            await consumer.start()
        await consumer.stop()
        consumer = aiokafka.AIOKafkaConsumer("orders", bootstrap_servers=address)
        starting = asyncio.create_task(consumer.start())
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await consumer.stop()

    assert recorder.run(main()) == [
        "main: aiokafka.AIOKafkaConsumer orders, error(KafkaConnectionError)",
        "main: aiokafka.AIOKafkaConsumer orders, cancelled(CancelledError)",
    ]


@pytest.mark.parametrize("use", [in_transaction, in_transaction_by_calls])
def test_a_transaction_that_cannot_begin_was_never_held(recorder, written, address, use):
    """By a statement or by a call; the program gets aiokafka's own error.

    The broker of these tests grants no transactional ids, so that none can begin.
    """

    async def main():
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=address) as producer:
            with pytest.raises(IllegalOperation):
                await written(use)(producer)

    assert recorder.run(main()) == [
        "main: aiokafka.AIOKafkaProducer, ok ok ok",
        "main: aiokafka.AIOKafkaProducer.transaction, error(IllegalOperation)",
    ]
