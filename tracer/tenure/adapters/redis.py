"""redis.asyncio: a client and its pool are named by their server, a lock by its key.

Clients and pipelines are separate lifecycles; a command uses the pool.
All ``Lock(name)`` objects of one key are one resource, because only one of them can hold it at a time.
"""

from __future__ import annotations

from types import ModuleType
from typing import cast

from tenure._core.object_access import attribute, exact
from tenure._identify import libraries, resources, tracer
from tenure._identify.kinds import kind_name
from tenure._identify.pool_stats import PoolStats
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters._kit import acquire_release, constructed, databases, open_close

DEFAULT_PORT = 6379
MAX_KEYS = 1_000  # of locks that are remembered; further ones are known by their sites
MAX_SERVERS = 3  # in the name of a cluster or a sentinel
_COMMANDS = "execute_command", "pipeline", "pubsub"  # a closed client connects again for them
_UNLIMITED = 2**31  # what redis gives a pool that was given no limit, in its older versions


class _Key:
    """The subject for which all locks of one key stand."""


class _Locks:
    """The keys of the locks that were seen."""

    def __init__(self) -> None:
        self.keys: dict[str, _Key] = {}


class _RedisConnectionInUse(databases.Taken):
    pass


def install(asyncio: ModuleType) -> None:
    """Patch Redis, Pipeline, PubSub, Lock and the pools."""
    libraries.know("redis")
    client = asyncio.client
    outside = libraries.entered_outside("redis")
    by_helper = libraries.entered_outside("redis", "from_url", "from_pool", "client")
    constructed.patch(client.Redis, ("aclose", "close"), _client, predicate=by_helper, reopening=_COMMANDS)
    open_close.patch_method(client.Redis, "initialize", ("aclose", "close"), _client, predicate=outside)
    for name, describe in (("RedisCluster", _cluster), ("Sentinel", _sentinel)):
        kind = getattr(asyncio, name, None)
        if kind is not None:
            closers = [closer for closer in ("aclose", "close") if hasattr(kind, closer)]
            constructed.patch(kind, closers, describe, predicate=by_helper, reopening=_COMMANDS)
    for kind in (client.Pipeline, client.PubSub):
        resources.register(kind, databases.one_use(kind_name(kind)))
        class_patches.patch_manager(kind, any_task=True)
    resources.register(asyncio.lock.Lock, _lock)
    class_patches.patch_manager(asyncio.lock.Lock)
    acquire_release.patch_calls(asyncio.lock.Lock, "acquire", "release", alone=True)
    resources.register(_RedisConnectionInUse, _taken)
    for kind in (asyncio.ConnectionPool, asyncio.BlockingConnectionPool):
        acquire_release.patch_calls(kind, "get_connection", "release", by_result=True, stand_in=_RedisConnectionInUse)
    databases.time_creation(
        asyncio.ConnectionPool,
        "ensure_connection",
        lambda pool, *_: pool,
        predicate=lambda _, connection: not _is_connected(connection),
    )


def _client(client: object, _: str) -> Description:
    server = _server(attribute(client, "connection_pool"))
    return Description("redis.asyncio.client.Redis", client, server, stereotype="database")


def _cluster(cluster: object, _: str) -> Description:
    nodes = attribute(attribute(cluster, "nodes_manager"), "startup_nodes")
    names = list(dict.keys(nodes)) if type(nodes) is dict else []
    return Description("redis.asyncio.cluster.RedisCluster", cluster, _joined(names), stereotype="database")


def _sentinel(sentinel: object, _: str) -> Description:
    clients = attribute(sentinel, "sentinels")
    pools = [attribute(client, "connection_pool") for client in (clients if type(clients) is list else ())]
    names = [_server(pool).rpartition("/")[0] for pool in pools]
    return Description("redis.asyncio.sentinel.Sentinel", sentinel, _joined(names), stereotype="database")


def _joined(names: list[str]) -> str | None:
    """The names of the first servers; None if there is none."""
    return ", ".join(map(exact, names[:MAX_SERVERS])) or None


def _lock(lock: object, _: str) -> Description:
    key = attribute(lock, "name")
    name = key.decode(errors="replace") if type(key) is bytes else exact(key)
    keys = tracer.current.of(_Locks).keys
    subject = keys.get(name)
    if subject is None and len(keys) < MAX_KEYS:
        subject = keys[name] = _Key()
    return Description("redis.asyncio.lock.Lock", subject, name, 1, "control")


def _taken(taken: object, _: str) -> Description:
    pool = taken.pool  # type: ignore[attr-defined]
    kind = kind_name(type(pool))
    return Description(kind, pool, _server(pool), _limit(pool), "database", figures=_figures, capacity_of=_limit)


def _limit(pool: object) -> int | None:
    limit = attribute(pool, "max_connections")
    return limit if type(limit) is int and 0 < limit < _UNLIMITED else None


def _server(pool: object) -> str:
    """The server and the database of a pool: "127.0.0.1:6379/0", or the path of a socket for host and port.

    The service of a sentinel has its name.
    """
    service = exact(attribute(pool, "service_name"))  # of a sentinel, which says where the server is
    if service:
        return service
    connection_arguments = attribute(pool, "_connection_kwargs") or attribute(pool, "connection_kwargs")
    known = cast("dict[str, object]", connection_arguments) if issubclass(type(connection_arguments), dict) else {}
    path, host, port, number = (dict.get(known, name) for name in ("path", "host", "port", "db"))
    database = number if type(number) is int else exact(number)
    if exact(path):
        return f"{exact(path)}/{database or 0}"
    name = exact(host) or "localhost"
    port = port if type(port) is int else exact(port)
    return f"{f'[{name}]' if ':' in name else name}:{port or DEFAULT_PORT}/{database or 0}"


def _figures(pool: object) -> PoolStats:
    available = cast("list[object]", attribute(pool, "_available_connections"))
    return PoolStats(sum(map(_is_connected, list(available))))


def _is_connected(connection: object) -> bool:
    """Whether a connection of redis is open; read from attributes, as its class may be the program's."""
    return attribute(connection, "_reader") is not None and attribute(connection, "_writer") is not None
