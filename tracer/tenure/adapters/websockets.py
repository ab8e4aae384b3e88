"""websockets' asyncio client: ``connect()`` is made for one use, and is named by the host."""

from __future__ import annotations

from types import ModuleType
from urllib.parse import urlsplit

from tenure._core.object_access import attribute, exact
from tenure._identify import libraries, resources
from tenure._identify.resources import Description
from tenure._patching import class_patches


def install(client: ModuleType) -> None:
    """Patch connect."""
    libraries.know("websockets")
    resources.register(client.connect, _connect)
    class_patches.patch_manager(client.connect, any_task=True)


def _connect(manager: object, _: str) -> Description:
    return Description("websockets.connect", None, name=_host(exact(attribute(manager, "uri"))))


def _host(uri: str) -> str:
    """Return the host and port: no user name, no password, and no path, which may contain ids."""
    parts = urlsplit(uri)
    return f"{parts.hostname or ''}:{parts.port}" if parts.port else parts.hostname or ""
