"""aiokafka: producers and consumers are held from ``start()`` to ``stop()``; a transaction is a separate lifecycle."""

from __future__ import annotations

from types import ModuleType
from typing import cast

from tenure._core.object_access import attribute, exact, library_attribute
from tenure._identify import libraries, resources
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters._kit import open_close


def install(aiokafka: ModuleType) -> None:
    """Patch AIOKafkaProducer, AIOKafkaConsumer and the transaction."""
    libraries.know("aiokafka")
    outside = libraries.entered_outside("aiokafka")
    producer, consumer = aiokafka.AIOKafkaProducer, aiokafka.AIOKafkaConsumer
    for kind, describe in ((producer, _producer), (consumer, _consumer)):
        open_close.patch_method(kind, "start", ("stop",), describe, predicate=outside)
    transaction = aiokafka.producer.producer.TransactionContext
    resources.register(transaction, _transaction)
    class_patches.patch_manager(transaction, any_task=True)
    open_close.patch_function(
        (producer,),
        "begin_transaction",
        producer,
        ("commit_transaction", "abort_transaction"),
        _begun,
        of_itself=True,
        token=lambda producer: attribute(producer, "_txn_manager"),  # the producer itself is held while it runs
        predicate=outside,
    )


def _transaction(_: object, __: str) -> Description:
    return Description("aiokafka.AIOKafkaProducer.transaction", None, name="", stereotype="queue")


def _begun(arguments: tuple[object, ...], _: dict[str, object]) -> Description:
    return _transaction(arguments[0], "")


def _producer(producer: object, _: str) -> Description:
    return Description("aiokafka.AIOKafkaProducer", producer, stereotype="queue")


def _consumer(consumer: object, _: str) -> Description:
    """Name a consumer by its topics."""
    subscription = library_attribute(attribute(consumer, "_subscription"), "subscription", "aiokafka")
    topics = library_attribute(subscription, "topics", "aiokafka")
    name = ", ".join(sorted(map(exact, cast("frozenset[str]", topics)))) if type(topics) is frozenset else ""
    return Description("aiokafka.AIOKafkaConsumer", consumer, name or None, stereotype="queue")
