"""nats-py: a client is held while it is connected, and is known by its server."""

from __future__ import annotations

from types import ModuleType

from tenure import libraries, patching, resources
from tenure.resources import Description


def install(client: ModuleType) -> None:
    """Patch Client."""
    libraries.know("nats")
    resources.register(client.Client, _client)
    patching.patch_manager(client.Client)


def _client(manager: object, _: str) -> Description:
    url = getattr(manager, "connected_url", None)
    host, port = getattr(url, "hostname", None), getattr(url, "port", None)
    return Description("nats.aio.client.Client", manager, f"{host}:{port}" if host else None, stereotype="queue")
