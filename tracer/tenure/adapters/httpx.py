"""httpx: a client is held while it is open; ``client.stream()`` is a use of it until the response is closed."""

from __future__ import annotations

from types import ModuleType

from tenure._identify import libraries, resources
from tenure._identify.resources import Description
from tenure._identify.sites import owner_name
from tenure._patching import class_patches
from tenure.adapters import contextlib_generators

_CLIENT = "httpx.AsyncClient"


def install(httpx: ModuleType) -> None:
    """Patch AsyncClient."""
    libraries.know("httpx", "httpcore")
    resources.register(httpx.AsyncClient, _client)
    class_patches.patch_manager(httpx.AsyncClient, any_task=True)
    contextlib_generators.describe_by(httpx.AsyncClient.stream.__wrapped__, _stream)


def _client(client: object, _: str) -> Description:
    return Description(_CLIENT, client)


def _stream(handle: object, expression: str) -> Description:
    client = handle.args[0]  # type: ignore[attr-defined]
    return Description(_CLIENT, client, owner_name(expression), enter="stream")
