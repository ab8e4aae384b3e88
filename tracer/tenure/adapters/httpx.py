"""httpx and httpx2: a client is held while it is open, and used by ``client.stream()`` until the response is closed.

A client is named by its base URL. httpx2 has ``client.sse()`` and ``client.websocket()`` besides, which are uses of the
client too.
"""

from __future__ import annotations

from functools import partial
from types import ModuleType

from tenure._core.object_access import attribute, exact
from tenure._identify import libraries, tracer
from tenure._identify.resources import Description
from tenure._identify.sites import owner_name
from tenure.adapters import contextlib_generators, httpcore
from tenure.adapters._kit import base_urls, constructed

_USES = "stream", "sse", "websocket"


def install(httpx: ModuleType) -> None:
    """Patch AsyncClient."""
    package = httpx.__name__
    libraries.know(package, package.replace("httpx", "httpcore"))
    kind = f"{package}.AsyncClient"
    constructed.patch(httpx.AsyncClient, ("aclose",), partial(_client, kind), noting=_note_routes)
    for use in _USES:
        function = attribute(getattr(httpx.AsyncClient, use, None), "__wrapped__")
        if function is not None:
            contextlib_generators.describe_by(function, partial(_use, kind, use))


def _client(kind: str, client: object, _: str) -> Description:
    return Description(kind, client, base_urls.name_of(client) or None)


def _note_routes(client: object) -> None:
    """Let a pool that serves some URLs only be named by their pattern."""
    mounts = attribute(client, "_mounts")
    for pattern, transport in dict.items(mounts) if type(mounts) is dict else ():
        tracer.current.of(httpcore.Routes).patterns.put(
            attribute(transport, "_pool"), exact(attribute(pattern, "pattern"))
        )


def _use(kind: str, name: str, handle: object, expression: str) -> Description:
    client = handle.args[0]  # type: ignore[attr-defined]
    return Description(kind, client, base_urls.name_of(client) or owner_name(expression), enter=name)
