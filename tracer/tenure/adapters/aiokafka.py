"""aiokafka: producers and consumers are held while they are started; a producer's transaction is a use of its own."""

from __future__ import annotations

from types import ModuleType

from tenure import libraries, patching, resources
from tenure.adapters import pools
from tenure.resources import Description


def install(aiokafka: ModuleType) -> None:
    """Patch AIOKafkaProducer, AIOKafkaConsumer and the transaction."""
    libraries.know("aiokafka")
    for kind, describe in (
        (aiokafka.AIOKafkaProducer, _producer),
        (aiokafka.AIOKafkaConsumer, _consumer),
        (
            aiokafka.producer.producer.TransactionContext,
            pools.one_use("aiokafka.AIOKafkaProducer.transaction", "queue"),
        ),
    ):
        resources.register(kind, describe)
        patching.patch_manager(kind, moves=True)


def _producer(producer: object, _: str) -> Description:
    return Description("aiokafka.AIOKafkaProducer", producer, stereotype="queue")


def _consumer(consumer: object, _: str) -> Description:
    """A consumer is known by its topics."""
    topics = getattr(getattr(getattr(consumer, "_subscription", None), "subscription", None), "topics", None)
    name = ", ".join(sorted(topics)) if topics else None
    return Description("aiokafka.AIOKafkaConsumer", consumer, name, stereotype="queue")
