"""The guard before every handler, and the headers of every answer.

Without a token the collector listens on loopback only; but every web page that the user opens can send requests to
loopback. With a token, browsers add the session's cookie to such requests. So the origin is always checked.
"""

from __future__ import annotations

from aiohttp import web, web_response

from tenure_server.http import access, login
from tenure_server.http.app_keys import GUESSES, REFUSALS, SESSIONS, SETTINGS
from tenure_server.http.problems import Handler, problem
from tenure_server.http.response_headers import HEADERS, NOT_KEPT
from tenure_server.http.sessions import COOKIE

SESSION_LEFT = web.RequestKey("SESSION_LEFT", int)  # seconds until the request's session ends

# The Server header of answers that aiohttp makes before a request reaches the application.
web_response.SERVER_SOFTWARE = HEADERS["Server"]  # type: ignore[attr-defined]


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """A handler of the signal on_response_prepare."""
    for name, value in (HEADERS | NOT_KEPT).items():
        response.headers.setdefault(name, value)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests from other sites, and requests without the token."""
    settings = request.app[SETTINGS]
    if why := access.why_refused(request, settings):
        request.app[REFUSALS].count("origin")
        return problem(403, why)
    sessions = request.app.get(SESSIONS)
    if sessions is None or request.path in access.PUBLIC or (request.method, request.path) == ("POST", "/logout"):
        return await handler(request)
    if (token := _token_of(request)) is not None:
        guesses, address = request.app[GUESSES], request.remote or ""
        if wait_s := guesses.wait_s(address):
            return _too_many_guesses(request, address, wait_s)
        if access.allows(request, token, settings):
            return await _handle(request, handler)
        if not access.is_known(token, settings):
            guesses.note(address, token)
    left_s = sessions.seconds_left(request.cookies.get(COOKIE, ""))
    if left_s and (request.method, request.path) not in access.INGEST:
        request[SESSION_LEFT] = left_s
        return await handler(request)
    return _token_required(request, token)


async def _handle(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Handle a request with a valid token. A page with the token in its address is redirected, with a cookie."""
    if "token" in request.query and access.is_page(request):
        return login.begin_session(request, _without_token(request))
    return await handler(request)


def _too_many_guesses(request: web.Request, address: str, wait_s: int) -> web.Response:
    request.app[REFUSALS].count("guesses")
    detail = f"too many wrong tokens from {address} (retry in {wait_s} s)"
    return problem(429, detail, headers={"Retry-After": str(wait_s)})


def _token_required(request: web.Request, token: str | None) -> web.Response:
    request.app[REFUSALS].count("token")
    if access.is_page(request):
        return login.page(request, 401, "Wrong token." if token is not None else "")
    detail = "a token is required (send Authorization: Bearer TOKEN, or log in to the dashboard)"
    if token is not None and access.is_known(token, request.app[SETTINGS]):
        detail = (
            "the ingest token is valid only for POST /v1/lifecycles and POST /v1/traces (use the dashboard's token)"
        )
    return problem(401, detail, headers={"WWW-Authenticate": "Bearer"})


def _token_of(request: web.Request) -> str | None:
    """The token in the request, valid or not; None: it has none."""
    if "token" in request.query:
        return request.query["token"]
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _without_token(request: web.Request) -> str:
    """The page's address without the token. It is relative, so it is also right behind the path of a proxy."""
    query = request.rel_url.without_query_params("token").raw_query_string
    return f"./?{query}" if query else "./"
