"""psycopg_pool: ``pool.connection()`` and ``getconn()`` are uses of the pool; ``open()`` or an entry opens the pool."""

from __future__ import annotations

import re
from collections import deque
from types import ModuleType
from typing import cast

from tenure._core.object_access import attribute, exact
from tenure._identify import libraries, resources
from tenure._identify.pool_stats import PoolStats
from tenure._identify.resources import Description
from tenure.adapters import contextlib_generators
from tenure.adapters._kit import acquire_release, constructed, databases, open_close

_DEFAULT_NAME = re.compile(r"pool-\d+")


class _PsycopgConnectionInUse(databases.Taken):
    pass


def install(psycopg_pool: ModuleType) -> None:
    """Patch AsyncConnectionPool, of which AsyncNullConnectionPool is a subclass."""
    libraries.know("psycopg_pool")
    pool = psycopg_pool.AsyncConnectionPool
    outside = libraries.entered_outside("psycopg_pool")
    open_close.patch_method(pool, "open", ("close",), databases.opened(_name), predicate=outside)
    constructed.patch(pool, ("close",), databases.opened(_name), predicate=_is_open)
    contextlib_generators.describe_by(pool.connection.__wrapped__, _connection)
    resources.register(_PsycopgConnectionInUse, _taken)
    acquire_release.patch_calls(
        pool, "getconn", "putconn", by_result=True, stand_in=_PsycopgConnectionInUse, predicate=outside
    )
    databases.time_creation(pool, "_connect", lambda pool, *_: pool)


def _is_open(pool: object) -> bool:
    """Whether the constructor opened the pool: ``open=True``, which psycopg_pool advises against."""
    return attribute(pool, "_closed") is False


def _connection(handle: object, _: str) -> Description:
    return _in_use(handle.args[0])._replace(enter="connection")  # type: ignore[attr-defined]


def _taken(handle: object, _: str) -> Description:
    return _in_use(handle.pool)  # type: ignore[attr-defined]


def _in_use(pool: object) -> Description:
    kind = "psycopg_pool.AsyncConnectionPool"
    return Description(kind, pool, _name(pool), _limit(pool), "database", figures=_figures, capacity_of=_limit)


def _limit(pool: object) -> int | None:
    """Return the limit, which ``pool.resize()`` changes."""
    limit = attribute(pool, "_max_size")
    return limit if type(limit) is int and limit > 0 else None


def _figures(pool: object) -> PoolStats:
    return PoolStats(len(cast("deque[object]", attribute(pool, "_pool"))))  # get_stats() makes a dictionary


def _name(pool: object) -> str | None:
    """Return the name that the program gave the pool, else that of its database."""
    pool_name = exact(attribute(pool, "name"))
    if pool_name and not _DEFAULT_NAME.fullmatch(pool_name):
        return pool_name
    named = attribute(pool, "kwargs")  # in psycopg_pool 3.3 it may be a function that returns them
    database = dict.get(cast("dict[str, object]", named), "dbname") if issubclass(type(named), dict) else None
    return exact(database) or databases.database_of(attribute(pool, "conninfo"))
