"""httpx: a client is held while it is open, and ``client.stream()`` is a use of it, until the response is closed."""

from __future__ import annotations

from types import ModuleType

from tenure import libraries, patching, resources
from tenure.adapters import generators
from tenure.resources import Description
from tenure.sites import owner_name

_CLIENT = "httpx.AsyncClient"


def install(httpx: ModuleType) -> None:
    """Patch AsyncClient."""
    libraries.know("httpx", "httpcore")
    resources.register(httpx.AsyncClient, _client)
    patching.patch_manager(httpx.AsyncClient, moves=True)
    generators.describe_by(httpx.AsyncClient.stream.__wrapped__, _stream)


def _client(client: object, _: str) -> Description:
    return Description(_CLIENT, client)


def _stream(handle: object, expression: str) -> Description:
    client = handle.args[0]  # type: ignore[attr-defined]
    return Description(_CLIENT, client, owner_name(expression), enter="stream")
