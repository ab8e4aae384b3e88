"""psycopg: a connection is known by its database, and held from ``connect()`` until it is closed.

Cursors, pipelines and transactions are uses of their own; a cursor of the server's has a name.
"""

from __future__ import annotations

from types import ModuleType

from tenure._identify import libraries, resources
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters import contextlib_generators
from tenure.adapters._kit import databases, open_close


def install(psycopg: ModuleType) -> None:
    """Patch AsyncConnection and its cursors; the rest are generators, and AsyncTransaction is theirs."""
    libraries.know("psycopg")
    connection = psycopg.AsyncConnection
    open_close.patch_function((connection,), "connect", connection, ("close",), _connected, entered=_connection)
    for cursor, describe in (
        (psycopg.AsyncCursor, databases.one_use("psycopg.AsyncCursor")),
        (psycopg.AsyncServerCursor, _server_cursor),
    ):
        resources.register(cursor, describe)
        class_patches.patch_manager(cursor, any_task=True)
    for name in ("transaction", "pipeline"):
        function = getattr(connection, name).__wrapped__
        contextlib_generators.describe_by(function, databases.one_use(f"psycopg.AsyncConnection.{name}"))


def _connected(arguments: tuple[object, ...], named: dict[str, object]) -> Description:
    address = arguments[1] if len(arguments) > 1 else named.get("conninfo")
    name = named.get("dbname") or databases.database_of(address)
    return Description("psycopg.AsyncConnection", None, str(name or ""), stereotype="database")


def _connection(connection: object, _: str) -> Description:
    info = getattr(connection, "info", None)
    name = getattr(info, "dbname", None) if not getattr(connection, "closed", True) else None
    return Description("psycopg.AsyncConnection", None, name=name, stereotype="database")


def _server_cursor(cursor: object, _: str) -> Description:
    name = getattr(cursor, "name", "")
    return Description("psycopg.AsyncServerCursor", None, name, stereotype="database")
