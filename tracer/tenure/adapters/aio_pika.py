"""aio-pika: connections, channels and pools are held, a message while it is processed, a queue while it is read.

``pool.acquire()`` takes the pool, and a pool that is entered itself is open.
"""

from __future__ import annotations

from types import ModuleType

from tenure import libraries, patching, resources
from tenure.adapters import pools
from tenure.failures import type_name
from tenure.resources import Description


def install(aio_pika: ModuleType) -> None:
    """Patch what aio-pika lets programs enter."""
    libraries.know("aio_pika", "aiormq")
    for kind, describe in (
        (aio_pika.Connection, _itself),
        (aio_pika.Channel, _itself),
        (aio_pika.message.ProcessContext, _message),
        (aio_pika.queue.QueueIterator, _queue),
        (aio_pika.transaction.Transaction, pools.one_use("aio_pika.Transaction", "queue")),
        (aio_pika.pool.Pool, _open_pool),
        (aio_pika.pool.PoolItemContextManager, _pool),
    ):
        resources.register(kind, describe)
        patching.patch_manager(kind, moves=True)


def _itself(manager: object, _: str) -> Description:
    return Description(type_name(type(manager)), manager, stereotype="queue")


def _message(context: object, _: str) -> Description:
    key = getattr(getattr(context, "message", None), "routing_key", None) or ""
    return Description("aio_pika.IncomingMessage.process", None, name=key, stereotype="queue")


def _queue(iterator: object, _: str) -> Description:
    queue = getattr(iterator, "_amqp_queue", None)
    return Description("aio_pika.Queue.iterator", None, name=getattr(queue, "name", ""), stereotype="queue")


def _open_pool(_: object, __: str) -> Description:
    return Description("aio_pika.pool.Pool.open", None, stereotype="queue")


def _pool(item: object, _: str) -> Description:
    pool = item.pool  # type: ignore[attr-defined]
    capacity = getattr(pool, "_Pool__max_size", None)
    lock = getattr(pool, "_Pool__lock", None)  # the pool itself allows no weak reference
    return Description("aio_pika.pool.Pool", lock, capacity=capacity, stereotype="queue", enter="acquire")
