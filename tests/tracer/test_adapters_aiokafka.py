import aiokafka
import pytest
from aiokafka.errors import KafkaConnectionError
from tests.tracer import servers


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
