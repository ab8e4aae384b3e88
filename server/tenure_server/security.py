"""Who may ask: the Host and Origin of a request, and the token where one is set.

Without a token the collector listens on loopback only, where every web page that the user opens may send requests too.
So the Host must be a name of this machine (a page cannot choose it: DNS rebinding ends here), and an Origin, where a
browser tells one, must be the collector's own page.
"""

from __future__ import annotations

import hashlib
import hmac

from aiohttp import web
from yarl import URL

from tenure_server.context import REFUSALS, SETTINGS
from tenure_server.problems import Handler, problem

COOKIE = "tenure_token"
PUBLIC = frozenset({"/healthz", "/readyz"})  # asked by machines that watch; they tell nothing

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address may hold the token
}

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """A signal for on_response_prepare."""
    response.headers.update(HEADERS)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn away what comes from elsewhere, or without the token."""
    token = request.app[SETTINGS].token
    host = _host_of(request.headers.get("Host", ""))
    if token is None and host not in _LOCAL | {request.app[SETTINGS].host}:
        return _refuse(request, 403, f"Host {host!r} is not this machine (set a token to be reached by other names)")
    origin = request.headers.get("Origin")
    if origin is not None and not _is_own(origin, request.headers.get("Host", "")):
        return _refuse(request, 403, f"Origin {origin[:200]!r} is not the collector's own page")
    if token is None or request.path in PUBLIC:
        return await handler(request)
    if _same(request.query.get("token", ""), token):
        return await _let_in(request, handler, token)
    if _has_token(request, token):
        return await handler(request)
    return _refuse(
        request, 401, "this collector asks for its token (send Authorization: Bearer TOKEN, or open /?token=TOKEN once)"
    )


def _host_of(host: str) -> str:
    """The name without the port; "[::1]:4320" -> "::1"."""
    try:
        return URL(f"http://{host}").host or ""
    except ValueError:
        return ""


def _is_own(origin: str, host: str) -> bool:
    scheme, _, rest = origin.partition("://")
    return scheme in {"http", "https"} and rest.lower() == host.lower() != ""


def _has_token(request: web.Request, token: str) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and _same(given.strip(), token):
        return True
    return _same(request.cookies.get(COOKIE, ""), _cookie_value(token))


def _same(given: str, expected: str) -> bool:
    """Compare in a time that tells nothing."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def _cookie_value(token: str) -> str:
    """Proof of the token, not the token itself."""
    return hashlib.sha256(f"tenure cookie {token}".encode()).hexdigest()


async def _let_in(request: web.Request, handler: Handler, token: str) -> web.StreamResponse:
    """The token stood in the address: a page is sent on to its address without it, with a cookie in its place."""
    if request.method != "GET" or "text/html" not in request.headers.get("Accept", ""):
        return await handler(request)
    response = web.Response(status=303, headers={"Location": str(request.rel_url.without_query_params("token"))})
    response.set_cookie(COOKIE, _cookie_value(token), httponly=True, samesite="Strict", path="/")
    return response


def _refuse(request: web.Request, status: int, detail: str) -> web.Response:
    request.app[REFUSALS].count("token" if status == 401 else "origin")
    return problem(status, detail, headers={"WWW-Authenticate": "Bearer"} if status == 401 else None)
