"""psycopg: a connection is named by its database, and held from ``connect()`` until it is closed.

Cursors, pipelines and transactions are separate lifecycles; a server-side cursor has a name.
"""

from __future__ import annotations

from types import ModuleType

from tenure._core.object_access import attribute, exact
from tenure._identify import libraries, resources
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure._patching.bodies import awaited
from tenure.adapters import contextlib_generators
from tenure.adapters._kit import databases, held_tokens, open_close

_OPEN, _CLOSED = 0, 1  # libpq's CONNECTION_OK and CONNECTION_BAD
_WAITING = "finding out whether a server closed its connection"  # said where it fails


def install(psycopg: ModuleType) -> None:
    """Patch AsyncConnection and its cursors; transactions and pipelines are described through their generators."""
    libraries.know("psycopg")
    connection = psycopg.AsyncConnection
    open_close.patch_function((connection,), "connect", connection, ("close",), _connected, entered=_connection)
    wait = connection.wait  # every answer of the server comes through it
    class_patches.replace(connection, "wait", awaited.method(wait, _WAITING, before=_itself, failed=_end_if_closed))
    for cursor, describe in (
        (psycopg.AsyncCursor, databases.one_use("psycopg.AsyncCursor")),
        (psycopg.AsyncServerCursor, _server_cursor),
    ):
        resources.register(cursor, describe)
        class_patches.patch_manager(cursor, any_task=True)
    for name in ("transaction", "pipeline"):
        function = getattr(connection, name).__wrapped__
        contextlib_generators.describe_by(function, databases.one_use(f"psycopg.AsyncConnection.{name}"))


def _itself(connection: object, *_: object) -> object:
    return connection


def _end_if_closed(connection: object, _: BaseException) -> None:
    transport = attribute(connection, "pgconn")
    if transport is not None and transport.status == _CLOSED:  # type: ignore[attr-defined]
        held_tokens.end_lost(connection)


def _connected(arguments: tuple[object, ...], named: dict[str, object]) -> Description:
    address = arguments[1] if len(arguments) > 1 else named.get("conninfo")
    name = exact(named.get("dbname")) or databases.database_of(address)
    return Description("psycopg.AsyncConnection", None, name or "", stereotype="database")


def _connection(connection: object, _: str) -> Description:
    transport = attribute(connection, "pgconn")  # the connection's own ``info`` may be the program's
    name = None
    if transport is not None and transport.status == _OPEN:  # type: ignore[attr-defined]
        name = transport.db.decode(errors="replace")  # type: ignore[attr-defined]
    return Description("psycopg.AsyncConnection", None, name=name, stereotype="database")


def _server_cursor(cursor: object, _: str) -> Description:
    name = exact(attribute(cursor, "_name"))
    return Description("psycopg.AsyncServerCursor", None, name, stereotype="database")
