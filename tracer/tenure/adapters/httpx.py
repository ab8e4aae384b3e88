"""httpx and httpx2: a client is held while it is open, and used by ``client.stream()`` until the response is closed.

A client is named by its base URL. httpx2 has ``client.sse()`` and ``client.websocket()`` besides, which are uses of the
client too.
"""

from __future__ import annotations

from functools import partial
from types import ModuleType

from tenure._core.object_access import attribute
from tenure._identify import libraries, resources
from tenure._identify.resources import Description
from tenure._identify.sites import owner_name
from tenure._patching import class_patches
from tenure.adapters import contextlib_generators
from tenure.adapters._kit import base_urls

_USES = "stream", "sse", "websocket"


def install(httpx: ModuleType) -> None:
    """Patch AsyncClient."""
    package = httpx.__name__
    libraries.know(package, package.replace("httpx", "httpcore"))
    kind = f"{package}.AsyncClient"
    resources.register(httpx.AsyncClient, partial(_client, kind))
    class_patches.patch_manager(httpx.AsyncClient, any_task=True)
    for use in _USES:
        function = attribute(getattr(httpx.AsyncClient, use, None), "__wrapped__")
        if function is not None:
            contextlib_generators.describe_by(function, partial(_use, kind, use))


def _client(kind: str, client: object, _: str) -> Description:
    return Description(kind, client, base_urls.name_of(client) or None)


def _use(kind: str, name: str, handle: object, expression: str) -> Description:
    client = handle.args[0]  # type: ignore[attr-defined]
    return Description(kind, client, base_urls.name_of(client) or owner_name(expression), enter=name)
