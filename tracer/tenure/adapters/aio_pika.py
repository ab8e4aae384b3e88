"""aio-pika: connections, channels and pools are held, a message while it is processed, a queue while it is read.

A connection is held from ``connect()`` to ``close()`` and named by its server. A channel is held from its await.
``pool.acquire()`` is a use of the pool. Entering the pool itself records that it is open.
"""

from __future__ import annotations

from types import ModuleType

from tenure._core.object_access import attribute, exact, has, is_true
from tenure._identify import libraries, resources
from tenure._identify.kinds import kind_name
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters._kit import constructed, databases, open_close


def install(aio_pika: ModuleType) -> None:
    """Patch what aio-pika lets programs enter."""
    libraries.know("aio_pika", "aiormq")
    libraries.know_framework("aiormq")  # it enters its own lock in a task without a frame of the program
    opening = libraries.entered_outside("aio_pika", "connect", "connect_robust")
    for connection in (aio_pika.Connection, aio_pika.RobustConnection):
        open_close.patch_method(connection, "connect", ("close",), _connection, predicate=opening)
    opening = libraries.entered_outside("aio_pika", "__await__")
    for channel in (aio_pika.Channel, aio_pika.RobustChannel):
        open_close.patch_method(
            channel,
            "initialize",
            ("close", "_on_close"),  # a channel also ends with its connection
            _channel,
            label="channel",
            only_if={"_on_close": _is_over},
            predicate=opening,
        )
    constructed.patch(aio_pika.pool.Pool, ("close",), _open_pool, token=_lock)
    for kind, describe in (
        (aio_pika.message.ProcessContext, _message),
        (aio_pika.queue.QueueIterator, _queue),
        (aio_pika.transaction.Transaction, databases.one_use("aio_pika.Transaction", "queue")),
        (aio_pika.pool.PoolItemContextManager, _pool),
    ):
        resources.register(kind, describe)
        class_patches.patch_manager(kind, any_task=True)


def _connection(connection: object, _: str) -> Description:
    url = attribute(connection, "url")
    host, port = getattr(url, "host", None), getattr(url, "port", None)
    return Description(kind_name(type(connection)), connection, f"{host}:{port}" if host else None, stereotype="queue")


def _channel(channel: object, _: str) -> Description:
    return Description(kind_name(type(channel)), channel, stereotype="queue")


def _is_over(channel: object) -> bool:
    """Whether a channel whose transport was closed stays closed."""
    connection = attribute(channel, "_connection")
    return not has(type(channel), "restore") or is_true(attribute(connection, "_close_called", True))


def _message(context: object, _: str) -> Description:
    key = exact(attribute(attribute(context, "message"), "routing_key"))
    return Description("aio_pika.IncomingMessage.process", None, name=key, stereotype="queue")


def _queue(iterator: object, _: str) -> Description:
    queue = attribute(iterator, "_amqp_queue")
    return Description("aio_pika.Queue.iterator", None, name=exact(attribute(queue, "name")), stereotype="queue")


def _open_pool(_: object, __: str) -> Description:
    return Description("aio_pika.pool.Pool.open", None, stereotype="queue")


def _lock(pool: object) -> object:
    """Return the object that stands for a pool, which allows no weak reference itself."""
    return attribute(pool, "_Pool__lock")


def _pool(item: object, _: str) -> Description:
    pool = attribute(item, "pool")
    limit = attribute(pool, "_Pool__max_size")
    capacity = limit if type(limit) is int else None
    return Description("aio_pika.pool.Pool", _lock(pool), capacity=capacity, stereotype="queue", enter="acquire")
