"""The guard before every handler, and the headers on every answer.

Without a token the collector listens on loopback only, where every web page that the user opens may send requests too;
with one, browsers send its session's cookie along. So where a request comes from is looked at in both cases.
"""

from __future__ import annotations

from aiohttp import web, web_response

from tenure_server.http import access, login
from tenure_server.http.app_keys import GUESSES, REFUSALS, SESSIONS, SETTINGS
from tenure_server.http.problems import Handler, problem
from tenure_server.http.response_headers import HEADERS, NOT_KEPT
from tenure_server.http.sessions import COOKIE

SESSION_LEFT = web.RequestKey("SESSION_LEFT", int)  # for how many seconds the session goes on that opened the address

# For what aiohttp answers before a request reaches the application.
web_response.SERVER_SOFTWARE = HEADERS["Server"]  # type: ignore[attr-defined]


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """A signal for on_response_prepare."""
    response.headers.update(HEADERS)
    for name, value in NOT_KEPT.items():
        response.headers.setdefault(name, value)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn away what comes from elsewhere, or without the token."""
    settings = request.app[SETTINGS]
    if why := access.why_refused(request, settings):
        request.app[REFUSALS].count("origin")
        return problem(403, why)
    sessions = request.app.get(SESSIONS)
    if sessions is None or request.path in access.PUBLIC or (request.method, request.path) == ("POST", "/logout"):
        return await handler(request)
    if (given := _given(request)) is not None:
        guesses, address = request.app[GUESSES], request.remote or ""
        if wait_s := guesses.wait_s(address):
            return _hold_back(request, address, wait_s)
        if access.opens(request, given, settings):
            return await _let_in(request, handler)
        if not access.is_known(given, settings):
            guesses.note(address, given)
    left_s = sessions.seconds_left(request.cookies.get(COOKIE, ""))
    if left_s and (request.method, request.path) not in access.INGEST:
        request[SESSION_LEFT] = left_s
        return await handler(request)
    return _ask_for_token(request, given)


async def _let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page whose address has the token is sent on to its address without it, with a cookie in its place."""
    if "token" in request.query and access.is_page(request):
        return login.begin_session(request, _without_token(request))
    return await handler(request)


def _hold_back(request: web.Request, address: str, wait_s: int) -> web.Response:
    request.app[REFUSALS].count("guesses")
    detail = f"too many wrong tokens from {address} (retry in {wait_s} s)"
    return problem(429, detail, headers={"Retry-After": str(wait_s)})


def _ask_for_token(request: web.Request, given: str | None) -> web.Response:
    request.app[REFUSALS].count("token")
    if access.is_page(request):
        return login.page(request, 401, "Wrong token." if given is not None else "")
    detail = "a token is required (send Authorization: Bearer TOKEN, or log in to the dashboard)"
    if given is not None and access.is_known(given, request.app[SETTINGS]):
        detail = (
            "the ingest token is valid only for POST /v1/lifecycles and POST /v1/traces (use the dashboard's token)"
        )
    return problem(401, detail, headers={"WWW-Authenticate": "Bearer"})


def _given(request: web.Request) -> str | None:
    """The token that the request shows, right or wrong."""
    if "token" in request.query:
        return request.query["token"]
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None


def _without_token(request: web.Request) -> str:
    """The page's address as the browser has it, also behind a proxy's path: relative."""
    query = request.rel_url.without_query_params("token").raw_query_string
    return f"./?{query}" if query else "./"
