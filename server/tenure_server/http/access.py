"""Which requests are allowed: by Host, Origin and Sec-Fetch-Site, and by the token of the address.

A web page cannot choose the Host of its requests, so the check of Host prevents DNS rebinding. An Origin must be the
dashboard's. Sec-Fetch-Site protects requests without Origin: from another site only a navigation to a page is allowed,
because that is a link.
"""

from __future__ import annotations

import hmac

from aiohttp import web
from yarl import URL

from tenure_server.settings import Settings

INGEST = frozenset({("POST", "/v1/lifecycles"), ("POST", "/v1/traces")})
PUBLIC = frozenset({"/healthz", "/readyz", "/login", "/login.css", "/icon.svg"})  # they contain no data

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_EVERY_ADDRESS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 -- only compared
_OWN_SITES = frozenset({"same-origin", "none"})  # none: the user typed the address


def why_refused(request: web.Request, settings: Settings) -> str | None:
    """Why the origin of the request is refused; None: it is allowed."""
    raw_host = request.headers.get("Host", "")
    host = host_of(raw_host)
    if host not in names(settings) | {_local_address(request)}:
        return f"Host {host[:200]!r} is not allowed (start the collector with --allow-host {host[:200] or 'NAME'})"
    origin = request.headers.get("Origin")
    if origin is not None and not _is_own(origin, raw_host):
        return f"Origin {origin[:200]!r} is not the collector's own page"
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in _OWN_SITES and not _is_link(request):
        return (
            f"a page of another site sent this request (Sec-Fetch-Site: {site[:40]}); it may only link to the dashboard"
        )
    return None


def names(settings: Settings) -> frozenset[str]:
    """The allowed names in Host: those of this machine, the one that is listened on, and those of --allow-host."""
    host = settings.host.strip("[]").lower()
    return _LOCAL | ({host} - _EVERY_ADDRESS) | {name.lower() for name in settings.allow_hosts}


def host_of(host: str) -> str:
    """The name without the port; "[::1]:4320" -> "::1"."""
    try:
        return URL(f"http://{host}").host or ""
    except ValueError:
        return ""


def is_page(request: web.Request) -> bool:
    """Whether a browser requests the page of the dashboard."""
    return (
        request.method in {"GET", "HEAD"} and request.path == "/" and "text/html" in request.headers.get("Accept", "")
    )


def allows(request: web.Request, token: str, settings: Settings) -> bool:
    """Whether the token is valid for the address. The dashboard's token, or the only one, is valid for all."""
    dashboard = settings.token or settings.ingest_token
    if dashboard is not None and tokens_match(token, dashboard):
        return True
    return (
        settings.ingest_token is not None
        and (request.method, request.path) in INGEST
        and tokens_match(token, settings.ingest_token)
    )


def is_known(token: str, settings: Settings) -> bool:
    """Whether it is one of the two tokens. It may still be the wrong one for the address."""
    return any(known is not None and tokens_match(token, known) for known in (settings.token, settings.ingest_token))


def tokens_match(token: str, expected: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(token.encode(errors="replace"), expected.encode())


def _local_address(request: web.Request) -> str:
    """The address to which the client connected. It is allowed as Host: DNS rebinding needs a name."""
    address = request.transport.get_extra_info("sockname") if request.transport else None
    return str(address[0]).partition("%")[0] if isinstance(address, tuple) else ""


def _is_own(origin: str, host: str) -> bool:
    scheme, _, rest = origin.partition("://")
    return scheme in {"http", "https"} and rest.lower() == host.lower() != ""


def _is_link(request: web.Request) -> bool:
    return (
        request.method in {"GET", "HEAD"}
        and request.path in {"/", "/login"}
        and request.headers.get("Sec-Fetch-Mode") == "navigate"
        and request.headers.get("Sec-Fetch-Dest") == "document"
    )
