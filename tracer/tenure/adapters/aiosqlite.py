"""aiosqlite: a connection, entered or awaited, is named by its database file; a cursor's handle is a cursor."""

from __future__ import annotations

from types import FunctionType, ModuleType

from tenure._core.object_access import attribute
from tenure._identify import resources
from tenure._identify.kinds import kind_name
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters._kit import file_names, open_close


def install(aiosqlite: ModuleType) -> None:
    """Patch Connection, and the handle that ``connection.execute()`` and similar methods return."""
    resources.register(aiosqlite.context.Result, _cursor)
    class_patches.patch_manager(aiosqlite.context.Result, any_task=True)
    open_close.patch_method(aiosqlite.Connection, "_connect", ("close", "stop"), _connection, label="connect")


def _connection(manager: object, _: str) -> Description:
    return Description(kind_name(type(manager)), None, name=_database(manager), stereotype="database")


def _cursor(_: object, __: str) -> Description:
    return Description("aiosqlite.cursor.Cursor", None, name="", stereotype="database")


def _database(connection: object) -> str | None:
    """Return the file's name without its folder; aiosqlite keeps it only in the closure that opens the file."""
    connector = attribute(connection, "_connector")
    if type(connector) is not FunctionType or connector.__closure__ is None:
        return None
    cells = dict(zip(connector.__code__.co_freevars, connector.__closure__, strict=True))
    return file_names.name_of(cells["database"].cell_contents) if "database" in cells else None
