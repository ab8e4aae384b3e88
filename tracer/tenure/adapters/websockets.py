"""websockets' asyncio client: ``connect()`` is made for one use, and is named by the host."""

from __future__ import annotations

from types import ModuleType
from urllib.parse import urlsplit

from tenure._core.object_access import attribute, exact
from tenure._identify import libraries, resources
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters._kit import open_close


def install(client: ModuleType) -> None:
    """Patch connect."""
    libraries.know("websockets")
    resources.register(client.connect, _connect)
    class_patches.patch_manager(client.connect, any_task=True)
    open_close.register(client.ClientConnection, _connection, lambda connection: connection)
    open_close.patch_function(
        (client.connect,),
        "connect",
        client.ClientConnection,
        ("close", "connection_lost"),  # the latter also if the server closes it
        _awaited,
        predicate=libraries.entered_outside("websockets", "__await__"),
    )


def _connect(manager: object, _: str) -> Description:
    return Description("websockets.connect", None, name=_host(exact(attribute(manager, "uri"))))


def _awaited(arguments: tuple[object, ...], _: dict[str, object]) -> Description:
    return _connect(arguments[0], "")


def _connection(connection: object, _: str) -> Description:
    address = attribute(attribute(connection, "protocol"), "uri")
    host, port = exact(attribute(address, "host")), attribute(address, "port")
    return Description("websockets.connect", None, name=f"{host}:{port}" if host else "")


def _host(uri: str) -> str:
    """Return the host and port: no user name, no password, and no path, which may contain ids."""
    parts = urlsplit(uri)
    return f"{parts.hostname or ''}:{parts.port}" if parts.port else parts.hostname or ""
