"""The page that asks for the token, POST /login and POST /logout."""

from __future__ import annotations

from html import escape
from pathlib import Path
from urllib.parse import parse_qs

from aiohttp import web

from tenure_server.errors import RequestRefused
from tenure_server.http import access
from tenure_server.http.app_keys import GUESSES, SESSIONS, SETTINGS
from tenure_server.http.listening.receiving import receiving
from tenure_server.http.sessions import COOKIE
from tenure_server.limits import MAX_LOGIN, SESSION_S

PAGES = Path(__file__).with_name("pages")
ADDRESSES = [("GET", "/login"), ("POST", "/login"), ("POST", "/logout")]


def page(request: web.Request, status: int = 200, problem: str = "") -> web.Response:
    """The form, with the problem of the last attempt.

    A browser does not send the session's cookie when the user follows a link from another site (SameSite=Strict). In
    that case this page loads itself once more: that request comes from the same site, with the cookie.
    """
    from_elsewhere = request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}
    text = (PAGES / "login.html").read_text()
    text = text.replace("{refresh}", '\n    <meta http-equiv="refresh" content="0" />' if from_elsewhere else "")
    text = text.replace("{invalid}", ' aria-invalid="true" aria-describedby="problem"' if problem else "")
    alert = f'\n        <p id="problem" class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    return web.Response(status=status, text=text.replace("{problem}", alert), content_type="text/html")


def begin_session(request: web.Request, location: str) -> web.Response:
    """Redirect the browser, with the cookie of a new session.

    If the request came by TLS, the cookie is restricted to TLS. A proxy that terminates TLS says so in
    X-Forwarded-Proto; a client that invents this header only restricts its own cookie.
    """
    response = web.Response(status=303, headers={"Location": location})
    forwarded = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    response.set_cookie(
        COOKIE,
        request.app[SESSIONS].begin(),
        max_age=SESSION_S,
        httponly=True,
        samesite="Strict",
        path="/",
        secure=request.secure or forwarded == "https",
    )
    return response


async def get_login(request: web.Request) -> web.Response:
    """The form; a redirection to the dashboard if no login is needed."""
    sessions = request.app.get(SESSIONS)
    if sessions is None or sessions.seconds_left(request.cookies.get(COOKIE, "")):
        return web.Response(status=303, headers={"Location": "./"})
    return page(request)


async def post_login(request: web.Request) -> web.Response:
    """The form, filled in."""
    settings, guesses = request.app[SETTINGS], request.app[GUESSES]
    if request.app.get(SESSIONS) is None:
        return web.Response(status=303, headers={"Location": "./"})
    address = request.remote or ""
    if wait_s := guesses.wait_s(address):
        answer = page(request, 429, f"Too many wrong tokens. Retry in {wait_s} s.")
        answer.headers["Retry-After"] = str(wait_s)
        return answer
    token = await _form_token(request)
    expected = settings.token or settings.ingest_token
    if expected is not None and access.tokens_match(token, expected):
        return begin_session(request, "./")
    if settings.ingest_token is not None and access.tokens_match(token, settings.ingest_token):
        return page(request, 401, "This is the ingest token. Enter the dashboard's token.")
    guesses.note(address, token)
    return page(request, 401, "Wrong token.")


async def post_logout(request: web.Request) -> web.Response:
    """End the session; redirect to the form."""
    sessions = request.app.get(SESSIONS)
    if sessions is not None:
        sessions.end(request.cookies.get(COOKIE, ""))
    response = web.Response(status=303, headers={"Location": "./login"})
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
    return response


async def get_style(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGES / "login.css")


async def _form_token(request: web.Request) -> str:
    if request.content_type != "application/x-www-form-urlencoded":
        raise RequestRefused(415, "content_type", "unsupported Content-Type (send the login page's form)")
    if (request.content_length or 0) > MAX_LOGIN or request.content_length is None:
        raise RequestRefused(413, "too_large", f"the form is larger than {MAX_LOGIN} bytes (send only the token)")
    async with receiving(request) as body:
        body.add(request.content_length)
        form = parse_qs((await request.content.read()).decode("latin-1"), errors="replace")
    return form.get("token", [""])[0].strip()
