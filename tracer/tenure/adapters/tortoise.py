"""tortoise-orm: a query and a transaction use a connection of their database; what is inside a transaction uses it.

The driver's own pools, connections and locks are internal to tortoise, and are not recorded.
"""

from __future__ import annotations

from types import ModuleType

from tenure._core.object_access import attribute, exact
from tenure._identify import libraries, resources
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters._kit import databases, file_names


def install(module: ModuleType) -> None:
    """Patch the handles of ``tortoise.backends.base.client``, or the transactions of the one for SQLite."""
    libraries.know("tortoise")
    if hasattr(module, "SqliteTransactionContext"):
        _patch(module.SqliteTransactionContext, _transaction)
        return
    for kind in (module.ConnectionWrapper, module.PoolConnectionWrapper):
        _patch(kind, _query)
    _patch(module.TransactionContextPooled, _transaction)
    _patch(module.NestedTransactionContext, databases.one_use("tortoise.Savepoint"))


def _patch(kind: type, describe: resources.Describe) -> None:
    resources.register(kind, describe)
    class_patches.patch_manager(kind, any_task=True)


def _query(handle: object, _: str) -> Description:
    client = attribute(handle, "client")
    parent = attribute(client, "_parent")
    if parent is None:
        return _connection(client)
    return Description("tortoise.Transaction", client, _name(parent), 1, "database")  # one query at a time


def _transaction(handle: object, _: str) -> Description:
    wrapper = attribute(handle, "client") or attribute(handle, "connection")
    return _connection(attribute(wrapper, "_parent"))._replace(enter="in_transaction")


def _connection(client: object) -> Description:
    limits = (attribute(client, name) for name in ("pool_maxsize", "maxsize"))
    capacity = next((limit for limit in limits if type(limit) is int), None)
    if capacity is None and attribute(client, "filename") is not None:
        capacity = 1
    return Description("tortoise.Connection", client, _name(client), capacity, "database")


def _name(client: object) -> str:
    """The file or database of a client, else the name that the program gave it."""
    return (
        file_names.name_of(attribute(client, "filename"))
        or exact(attribute(client, "database"))
        or exact(attribute(client, "connection_name"))
    )
