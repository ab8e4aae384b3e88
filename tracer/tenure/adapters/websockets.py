"""websockets: ``connect()`` and ``serve()`` of its asyncio side are made for one use, and are named by where to."""

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
    """The host and port, without a user's name and password, nor the path that may be made of ids."""
    parts = urlsplit(uri)
    return f"{parts.hostname or ''}:{parts.port}" if parts.port else parts.hostname or ""
