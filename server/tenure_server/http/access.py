"""Who may ask what: Host, Origin and Sec-Fetch-Site of a request, and which token opens which address.

Host is a name that a web page cannot choose: where it must be one of the collector's own, DNS rebinding ends. Origin,
where a browser tells one, must be the collector's own page. Sec-Fetch-Site says the same of requests that have no
Origin; only the navigation of a whole page may come from elsewhere, for that is a link.
"""

from __future__ import annotations

import hmac

from aiohttp import web
from yarl import URL

from tenure_server.settings import Settings

INGEST = frozenset({("POST", "/v1/lifecycles"), ("POST", "/v1/traces")})
PUBLIC = frozenset({"/healthz", "/readyz", "/login", "/login.css", "/icon.svg"})  # they tell nothing

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_EVERY_ADDRESS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 -- compared with, not listened on
_OWN_SITES = frozenset({"same-origin", "none"})  # none: typed by the user


def why_refused(request: web.Request, settings: Settings) -> str | None:
    """What is wrong with where the request comes from; None: nothing."""
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
    """The names that a Host may be: this machine's own, the one that is listened on, and those that are allowed."""
    host = settings.host.strip("[]").lower()
    return _LOCAL | ({host} - _EVERY_ADDRESS) | {name.lower() for name in settings.allow_hosts}


def host_of(host: str) -> str:
    """The name without the port; "[::1]:4320" -> "::1"."""
    try:
        return URL(f"http://{host}").host or ""
    except ValueError:
        return ""


def is_page(request: web.Request) -> bool:
    """Whether a page of the dashboard is asked for, by somebody who can read one."""
    return (
        request.method in {"GET", "HEAD"} and request.path == "/" and "text/html" in request.headers.get("Accept", "")
    )


def opens(request: web.Request, token: str, settings: Settings) -> bool:
    """Whether this token is right for the address. One alone serves for both; the dashboard's opens all."""
    dashboard = settings.token or settings.ingest_token
    if dashboard is not None and same(token, dashboard):
        return True
    return (
        settings.ingest_token is not None
        and (request.method, request.path) in INGEST
        and same(token, settings.ingest_token)
    )


def is_known(token: str, settings: Settings) -> bool:
    """Whether it is any of the tokens: not a guess, though it may be the wrong one for the address."""
    return any(known is not None and same(token, known) for known in (settings.token, settings.ingest_token))


def same(given: str, expected: str) -> bool:
    """Compare in a time that tells nothing."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def _local_address(request: web.Request) -> str:
    """The address that the connection came to. As a Host it is no name, so that nobody can have rebound it."""
    where = request.transport.get_extra_info("sockname") if request.transport else None
    return str(where[0]).partition("%")[0] if isinstance(where, tuple) else ""


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
