"""aiosqlite: a connection is known by its database file, by statement or awaited; a cursor's handle is a cursor."""

from __future__ import annotations

import os
from types import ModuleType

from tenure._identify import resources
from tenure._identify.exceptions import type_name
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters._kit import open_close


def install(aiosqlite: ModuleType) -> None:
    """Patch Connection, and the handle that ``connection.execute()`` and its like return."""
    resources.register(aiosqlite.context.Result, _cursor)
    class_patches.patch_manager(aiosqlite.context.Result, any_task=True)
    open_close.patch_method(aiosqlite.Connection, "_connect", ("close", "stop"), _connection, label="connect")


def _connection(manager: object, _: str) -> Description:
    return Description(type_name(type(manager)), None, name=_database(manager), stereotype="database")


def _cursor(_: object, __: str) -> Description:
    return Description("aiosqlite.cursor.Cursor", None, name="", stereotype="database")


def _database(connection: object) -> str | None:
    """The name of the file, without its folder; aiosqlite keeps it nowhere but in the closure that opens it."""
    connector = getattr(connection, "_connector", None)
    code, cells = getattr(connector, "__code__", None), getattr(connector, "__closure__", None)
    if code is None or cells is None:
        return None
    database = dict(zip(code.co_freevars, cells, strict=True))["database"].cell_contents
    if not isinstance(database, str | bytes | os.PathLike):
        return None
    path = os.fspath(database)
    return os.path.basename(path if isinstance(path, str) else os.fsdecode(path))  # noqa: PTH119  # ":memory:" is none
