"""The names of HTTP clients and their pools: the base URL that the program gave, without credentials and query."""

from __future__ import annotations

from urllib.parse import urlsplit

from tenure._core.object_access import attribute, module_name

_URLS = frozenset({"yarl", "httpx", "httpx2"})  # packages whose URLs are made into a text by the library's own code


def name_of(client: object) -> str:
    """The base URL of a client, "https://api.shop.example/v1"; "" where it has none."""
    url = attribute(client, "_base_url")
    if url is None or module_name(type(url)).partition(".")[0] not in _URLS:
        return ""
    try:
        parts = urlsplit(str(url))
        port = parts.port
    except ValueError:
        return ""
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    if not host:
        return ""
    return f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{parts.path.rstrip('/')}"
