"""psycopg: a connection is known by its database; cursors, pipelines and transactions are uses of their own."""

from __future__ import annotations

from types import ModuleType

from tenure import libraries, patching, resources
from tenure.adapters import generators, pools
from tenure.resources import Description


def install(psycopg: ModuleType) -> None:
    """Patch AsyncConnection and AsyncCursor; the rest are generators, and AsyncTransaction is theirs."""
    libraries.know("psycopg")
    resources.register(psycopg.AsyncConnection, _connection)
    patching.patch_manager(psycopg.AsyncConnection, moves=True)
    resources.register(psycopg.AsyncCursor, pools.one_use("psycopg.AsyncCursor"))
    patching.patch_manager(psycopg.AsyncCursor, moves=True)
    for name in ("transaction", "pipeline"):
        function = getattr(psycopg.AsyncConnection, name).__wrapped__
        generators.describe_by(function, pools.one_use(f"psycopg.AsyncConnection.{name}"))


def _connection(connection: object, _: str) -> Description:
    info = getattr(connection, "info", None)
    name = getattr(info, "dbname", None) if not getattr(connection, "closed", True) else None
    return Description("psycopg.AsyncConnection", None, name=name, stereotype="database")
