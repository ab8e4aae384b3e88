"""asyncpg: ``pool.acquire()``, entered or awaited, is a use of the pool; so are ``pool.fetch()`` and similar methods.

A connection without a pool is held from ``connect()`` to ``close()``. A transaction is a separate lifecycle. Entering
or awaiting a pool itself records that it is open, which is another lifecycle than holding one of its connections.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tenure._core.object_access import attribute, exact
from tenure._identify import libraries, resources
from tenure._identify.pool_stats import PoolStats
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure._patching.bodies import immediate
from tenure.adapters._kit import acquire_release, databases, held_tokens, open_close

_LOSING = "finding out which use of a pool has ended"  # said where it fails


class _AsyncpgConnectionInUse(databases.Taken):
    pass


def install(asyncpg: ModuleType) -> None:
    """Patch ``connect()``, Pool, the handle that ``acquire()`` returns, and Transaction."""
    libraries.know("asyncpg")
    outside = libraries.entered_outside("asyncpg")
    pool, handle, transaction = asyncpg.pool.Pool, asyncpg.pool.PoolAcquireContext, asyncpg.transaction.Transaction
    closing = "close", "terminate"
    lost = [name for name in ("_cleanup",) if hasattr(asyncpg.Connection, name)]  # also called if the server closes it
    open_close.patch_function(
        (asyncpg, asyncpg.connection), "connect", asyncpg.Connection, (*closing, *lost), _connection, predicate=outside
    )
    open_close.patch_method(
        pool, "_async__init__", closing, databases.opened(_database), label="create_pool", token=_queue
    )
    for kind in (handle, _AsyncpgConnectionInUse):
        resources.register(kind, _taken)
    class_patches.patch_manager(handle, any_task=True)
    acquire_release.patch_calls(
        pool,
        "_acquire",
        "release",
        by_result=True,
        labels=("acquire", "release"),
        stand_in=_AsyncpgConnectionInUse,
        predicate=outside,
    )
    _end_lost_uses(asyncpg.pool.PoolConnectionHolder)
    databases.time_creation(pool, "_get_new_connection", lambda pool, *_: _queue(pool))
    open_close.patch_method(
        transaction,
        "start",
        ("commit", "rollback"),
        databases.one_use("asyncpg.transaction.Transaction"),
        predicate=outside,
    )


def _end_lost_uses(place: type) -> None:
    """A connection that its server or the pool's ``terminate()`` closes is in use no more: its place is free."""
    release = getattr(place, "_release", None)
    if release is not None:
        class_patches.replace(place, "_release", immediate.method(release, _LOSING, before=_end_use))


def _end_use(place: object, *_: object) -> None:
    in_use = attribute(place, "_proxy")  # what acquire() returned
    if in_use is not None:
        held_tokens.end_lost(in_use)


def _connection(arguments: tuple[object, ...], named: dict[str, object]) -> Description:
    name = _named(arguments or (named.get("dsn"),), named)
    return Description("asyncpg.connection.Connection", None, name or "", stereotype="database")


def _taken(handle: object, _: str) -> Description:
    pool = attribute(handle, "pool")
    limit = attribute(pool, "_maxsize")
    capacity = limit if type(limit) is int else None
    kind, name = "asyncpg.pool.Pool", _database(pool)
    return Description(kind, _queue(pool), name, capacity, "database", enter="acquire", figures=_figures)


def _queue(pool: object) -> object:
    """Return the object that stands for the pool, which allows no weak reference itself."""
    return attribute(pool, "_queue")


def _figures(queue: object) -> PoolStats:
    """Count the idle connections: the queue has the unused places, some of them with a connection."""
    places = list(queue._queue)  # type: ignore[attr-defined]  # noqa: SLF001  # there is no public way to it
    return PoolStats(sum(map(_is_connected, places)))


def _is_connected(place: object) -> bool:
    """Whether a place of the pool has an open connection; read from attributes, as its class may be the program's."""
    protocol: Any = attribute(attribute(place, "_con"), "_protocol")
    return protocol is not None and bool(protocol.is_connected())


def _database(pool: object) -> str | None:
    addresses, named = attribute(pool, "_connect_args"), attribute(pool, "_connect_kwargs")
    return _named(
        tuple(addresses) if type(addresses) in (list, tuple) else (),  # type: ignore[arg-type]
        named if type(named) is dict else {},
    )


def _named(addresses: tuple[object, ...], named: dict[str, object]) -> str | None:
    database = exact(named.get("database"))
    return database or databases.database_of(addresses[0] if addresses else None)
