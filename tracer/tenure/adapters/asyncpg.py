"""asyncpg: ``pool.acquire()``, in a statement or awaited, takes the pool; so does ``pool.fetch()`` and its like.

A transaction is a use of its own. A pool that is entered itself is open, which is another thing than to hold one of its
connections.
"""

from __future__ import annotations

from types import ModuleType

from tenure import libraries, patching, resources
from tenure.adapters import calls, pools
from tenure.resources import Description


class _Taken(pools.Taken):
    pass


def install(asyncpg: ModuleType) -> None:
    """Patch Pool, the handle that ``acquire()`` returns, and Transaction."""
    libraries.know("asyncpg")
    pool, handle, transaction = asyncpg.pool.Pool, asyncpg.pool.PoolAcquireContext, asyncpg.transaction.Transaction
    resources.register(pool, pools.opened(_database))
    patching.patch_manager(pool)
    for kind in (handle, _Taken):
        resources.register(kind, _taken)
    patching.patch_manager(handle, moves=True)
    calls.patch_calls(
        pool,
        "_acquire",
        "release",
        by_result=True,
        labels=("acquire", "release"),
        stand_in=_Taken,
        wants=libraries.entered_outside("asyncpg"),
    )
    resources.register(transaction, pools.one_use("asyncpg.transaction.Transaction"))
    patching.patch_manager(transaction, moves=True)


def _taken(handle: object, _: str) -> Description:
    pool = handle.pool  # type: ignore[attr-defined]
    queue = getattr(pool, "_queue", None)  # the pool itself allows no weak reference
    capacity = getattr(pool, "_maxsize", None)
    return Description("asyncpg.pool.Pool", queue, _database(pool), capacity, "database", enter="acquire")


def _database(pool: object) -> str | None:
    addresses, named = getattr(pool, "_connect_args", ()), getattr(pool, "_connect_kwargs", {})
    return named.get("database") or pools.database_of(addresses[0] if addresses else None)
