"""nats-py: a client is held from ``connect()`` until it is closed or drained, and is named by its servers."""

from __future__ import annotations

from types import ModuleType
from urllib.parse import urlsplit

from tenure._core.object_access import exact
from tenure._identify import libraries
from tenure._identify.resources import Description
from tenure.adapters._kit import open_close

_PORT = 4222  # nats-py's default


def install(client: ModuleType) -> None:
    """Patch Client, which also closes itself when it gives up on its server."""
    libraries.know("nats")
    closing = [name for name in ("close", "drain", "_close") if name != "_close" or hasattr(client.Client, name)]
    outside = libraries.entered_outside("nats", "connect")
    open_close.patch_function(
        (client.Client,),
        "connect",
        client.Client,
        closing,
        _connected,
        of_itself=True,
        entered=_client,
        predicate=outside,
    )


def _connected(arguments: tuple[object, ...], named: dict[str, object]) -> Description:
    addresses = arguments[1] if len(arguments) > 1 else named.get("servers", f"nats://localhost:{_PORT}")
    servers = addresses if type(addresses) in (list, tuple) else [addresses]
    names = [_server(exact(server)) for server in servers]  # type: ignore[attr-defined]
    return Description("nats.aio.client.Client", None, ", ".join(names), stereotype="queue")


def _server(url: str) -> str:
    parts = urlsplit(url if "://" in url else f"nats://{url}")
    return f"{parts.hostname}:{parts.port or _PORT}"


def _client(manager: object, _: str) -> Description:
    url = getattr(manager, "connected_url", None)
    host, port = getattr(url, "hostname", None), getattr(url, "port", None)
    return Description("nats.aio.client.Client", manager, f"{host}:{port}" if host else None, stereotype="queue")
