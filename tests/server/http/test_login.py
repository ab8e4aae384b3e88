"""The login page, sessions and their end, separate tokens, and the limit for wrong tokens."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tests.server.support.batches import Program
from tests.server.support.collector import Clock, Collector, collecting

from tenure import wire
from tenure_server import app, limits
from tenure_server.http import dashboard
from tenure_server.http.listening import receiving
from tenure_server.http.login import PAGES
from tenure_server.http.sessions import Sessions
from tenure_server.settings import Settings

TOKEN, INGEST = "correct-horse", "battery-staple"
HTML = {"Accept": "text/html"}
TOKENS = Path(__file__).parents[3] / "web" / "src" / "styles" / "tokens.css"


@pytest.fixture
async def guarded() -> AsyncIterator[Collector]:
    """A collector with both tokens."""
    async with collecting(Settings(port=0, token=TOKEN, ingest_token=INGEST)) as running:
        yield running


async def log_in(collector: Collector, token: str = TOKEN, **headers: str) -> aiohttp.ClientResponse:
    """The form filled in, its answer not followed."""
    async with collector.session.post(
        f"{collector.url}/login", data={"token": token}, headers=headers, allow_redirects=False
    ) as answer:
        await answer.read()
        return answer


async def session_of(collector: Collector) -> dict[str, str]:
    """The header with the cookie of a new session."""
    answer = await log_in(collector)
    assert (answer.status, answer.headers["Location"]) == (303, "./")
    collector.session.cookie_jar.clear()
    return {"Cookie": f"tenure_session={answer.cookies['tenure_session'].value}"}


async def test_a_browser_without_a_session_is_shown_the_login_page(guarded: Collector) -> None:
    """In the place of the dashboard, with status 401; what its page needs is for anybody, the rest is not."""
    status, page = await guarded.get("/", **HTML)
    assert status == 401
    assert '<form method="post" action="./login">' in page
    assert "invalid" not in page
    assert "style=" not in page
    assert not re.findall(r"<(?:style|script)", page)
    for path in ("/login", "/login.css"):
        assert (await guarded.get(path, **HTML))[0] == 200
    assert (await guarded.get("/api/processes", **HTML))[0] == 401


async def test_the_login_page_looks_like_the_dashboard() -> None:
    """Each of its colours and fonts is the dashboard's."""
    declared = re.compile(r"--([a-z-]+): (.+);")
    own = dict(declared.findall((PAGES / "login.css").read_text()))
    assert own.items() <= dict(declared.findall(TOKENS.read_text())).items()


async def test_the_token_begins_a_session(guarded: Collector) -> None:
    """Its cookie opens the dashboard, the API and the feed; it is no token, and opens no address for sending."""
    answer = await log_in(guarded)
    cookie = answer.cookies["tenure_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Strict", "/", "")
    assert int(cookie["max-age"]) == limits.SESSION_S
    guarded.session.cookie_jar.clear()
    own = {"Cookie": f"tenure_session={cookie.value}"}
    assert (await guarded.get("/api/processes", **own))[0] == 200
    async with guarded.session.ws_connect(f"{guarded.url}/api/live", headers=own) as socket:
        assert not socket.closed
    assert (await guarded.send(wire.encode(Program().batch()), **own))[0] == 401


@pytest.mark.parametrize(
    ("forwarded", "secure"), [("https", True), ("HTTPS, http", True), ("http", ""), ("", ""), ("http, https", "")]
)
async def test_behind_tls_the_cookie_is_for_tls_alone(guarded: Collector, forwarded: str, secure: object) -> None:
    """As the proxy that ends it says."""
    answer = await log_in(guarded, **{"X-Forwarded-Proto": forwarded})
    assert answer.cookies["tenure_session"]["secure"] == secure


async def test_a_wrong_token_is_said_so(guarded: Collector) -> None:
    """By the form, and in the address; the one for sending is no token for the dashboard."""
    for token, words in (("wrong", "Wrong token."), ("", "Wrong token."), (INGEST, "This is the ingest token.")):
        answer = await log_in(guarded, token)
        assert answer.status == 401
        assert words in await answer.text()
        assert "tenure_session" not in answer.cookies
    status, page = await guarded.get("/?token=wrong", **HTML)
    assert status == 401
    assert "Wrong token." in page


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"token=\xff\xfe", ""),
        (b"token=%ff%00", ""),
        (b"token=wrong", "; charset=nope"),
        (b"token=wrong", "; charset=base64"),
        (b"\x00" * 4_000, ""),
        (b"&" * 4_000, ""),
        (b"", ""),
    ],
)
async def test_a_form_of_any_bytes_has_a_wrong_token_at_worst(
    guarded: Collector, caplog: pytest.LogCaptureFixture, body: bytes, kind: str
) -> None:
    """Nobody who has not logged in can make the collector fail, nor its log grow."""
    form = {"Content-Type": f"application/x-www-form-urlencoded{kind}"}
    async with guarded.session.post(f"{guarded.url}/login", data=body, headers=form) as answer:
        assert answer.status == 401
    assert caplog.records == []


async def test_a_form_that_does_not_come_whole_is_answered_with_408(
    guarded: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As every other body: who sends a half of it may not keep the connection."""
    monkeypatch.setattr(receiving, "BODY_LIMIT_S", 0.2)
    monkeypatch.setattr(app, "LINGER_S", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(guarded.url.rpartition(":")[2]))
    writer.write(
        b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\ntoken="
    )
    async with asyncio.timeout(20):
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
    writer.close()
    await writer.wait_closed()


async def test_a_session_ends_after_its_time(guarded: Collector) -> None:
    """The collector counts, whatever the browser does with the cookie."""
    own = await session_of(guarded)
    guarded.clock.now_ns += limits.SESSION_S * 10**9 - 1
    assert (await guarded.get("/api/processes", **own))[0] == 200
    guarded.clock.now_ns += 1
    assert (await guarded.get("/api/processes", **own))[0] == 401


async def test_a_live_connection_ends_with_its_session(guarded: Collector) -> None:
    """What it had is not sent on for ever."""
    own = await session_of(guarded)
    guarded.clock.now_ns += (limits.SESSION_S - 1) * 10**9
    async with asyncio.timeout(20), guarded.session.ws_connect(f"{guarded.url}/api/live", headers=own) as socket:
        async for _ in socket:
            pass
    assert socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION


async def test_logging_out_ends_the_live_connections_of_the_session(guarded: Collector) -> None:
    """Another page of the same browser sees no more either; those of other sessions go on."""
    own, other = await session_of(guarded), await session_of(guarded)
    live = f"{guarded.url}/api/live"
    async with (
        asyncio.timeout(20),
        guarded.session.ws_connect(live, headers=own) as socket,
        guarded.session.ws_connect(live, headers=other) as others,
    ):
        await guarded.session.post(f"{guarded.url}/logout", headers=own, allow_redirects=False)
        async for _ in socket:
            pass
        assert socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION
        await others.ping()
        await others.send_json({"lens": {}})
        while "page" not in (await others.receive()).data:
            pass


async def test_logging_out_ends_the_session_for_whoever_has_the_cookie(guarded: Collector) -> None:
    """Only by POST; other sessions go on."""
    own, other = await session_of(guarded), await session_of(guarded)
    assert (await guarded.get("/logout", **own))[0] == 404
    async with guarded.session.post(f"{guarded.url}/logout", headers=own, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "./login")
        assert answer.cookies["tenure_session"].value == ""
    assert (await guarded.get("/api/processes", **own))[0] == 401
    assert (await guarded.get("/api/processes", **other))[0] == 200


async def test_a_cookie_that_was_made_up_opens_nothing() -> None:
    """Another end, another signature, another token's, none at all, and what is no cookie of ours."""
    clock = Clock()
    sessions = Sessions(TOKEN, clock)
    cookie = sessions.begin()
    end, nonce, signature = cookie.split(".")
    assert sessions.seconds_left(cookie) == limits.SESSION_S
    for forged in (
        f"{int(end) + 1}.{nonce}.{signature}", f"{end}.{nonce}x.{signature}", f"{end}.{nonce}.{'0' * 64}",
        f"{end}.{nonce}", f"{end}.{nonce}.", "", ".", "..", "x.y.z", "\u2603", Sessions("other", clock).begin(),
    ):  # fmt: skip
        assert sessions.seconds_left(forged) == 0
    assert Sessions(TOKEN, clock).seconds_left(cookie) == limits.SESSION_S  # after a restart


async def test_the_token_for_sending_opens_nothing_else(guarded: Collector) -> None:
    """As a header and in the address; the dashboard's token opens all."""
    for way in ({"Authorization": f"Bearer {INGEST}"}, {"Authorization": f"Bearer {TOKEN}"}):
        assert (await guarded.send(wire.encode(Program().batch()), **way))[0] == 200
        async with guarded.session.post(
            f"{guarded.url}/v1/traces", headers=way | {"Content-Type": "application/json"}, data=b"{}"
        ) as answer:
            assert answer.status == 200
    for path in ("/api/processes", "/metrics", "/api/live", "/api/openapi.json"):
        status, answer = await guarded.get(path, Authorization=f"Bearer {INGEST}")
        assert status == 401
        assert "the ingest token is valid only for" in answer["detail"]
        assert (await guarded.get(f"{path}?token={INGEST}"))[0] == 401
    assert (await guarded.get(f"/?token={INGEST}", **HTML))[0] == 401
    assert (await guarded.get("/v1/lifecycles", Authorization=f"Bearer {INGEST}"))[0] == 401


@pytest.mark.parametrize("settings", [Settings(port=0, token=TOKEN), Settings(port=0, ingest_token=TOKEN)])
async def test_one_token_alone_serves_for_both(settings: Settings) -> None:
    """Whichever it is; without it nothing is open."""
    async with collecting(settings) as collector:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert (await collector.send(wire.encode(Program().batch()), **bearer))[0] == 200
        assert (await collector.get("/api/processes", **bearer))[0] == 200
        assert (await collector.get("/api/processes"))[0] == (await collector.send(b""))[0] == 401
        await session_of(collector)


async def test_whoever_guesses_is_held_back(guarded: Collector) -> None:
    """So many different wrong ones, by any way; then not even the right one is looked at until some time has passed."""
    ways = [
        lambda guess: guarded.get("/api/processes", Authorization=f"Bearer {guess}"),
        lambda guess: guarded.get(f"/api/processes?token={guess}"),
    ]
    for n in range(limits.MAX_GUESSES - 1):
        assert (await ways[n % 2](f"guess-{n}"))[0] == 401
    own = await session_of(guarded)
    assert (await log_in(guarded, "guess-last")).status == 401
    status, answer = await guarded.get("/api/processes", Authorization=f"Bearer {TOKEN}")
    assert (status, answer["detail"]) == (429, "too many wrong tokens from 127.0.0.1 (retry in 60 s)")
    assert (await log_in(guarded)).status == 429
    assert (await guarded.get("/api/processes", **own))[0] == 200
    guarded.clock.now_ns += limits.GUESS_S * 10**9
    assert (await guarded.get("/api/processes", Authorization=f"Bearer {TOKEN}"))[0] == 200


async def test_a_program_with_an_old_token_holds_nobody_back(guarded: Collector) -> None:
    """It sends the same one again and again, which is no guess."""
    for _ in range(5 * limits.MAX_GUESSES):
        assert (await guarded.send(b"", Authorization="Bearer old"))[0] == 401
    assert (await guarded.get("/api/processes", Authorization=f"Bearer {TOKEN}"))[0] == 200


async def test_only_names_of_the_collector_are_answered_with_a_token_too() -> None:
    """Those of this machine, the one listened on and those that are allowed; the error says how to allow one."""
    async with collecting(Settings(port=0, token=TOKEN, allow_hosts=("traces.example",))) as collector:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        for host in ("localhost", "127.0.0.1:4320", "traces.example", "TRACES.example:443"):
            assert (await collector.get("/api/processes", Host=host, **bearer))[0] == 200
        for host in ("evil.example", "x.traces.example", "192.0.2.1"):
            status, answer = await collector.get("/api/processes", Host=host, **bearer)
            assert status == 403
            assert f"--allow-host {host}" in answer["detail"]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "whatever"])
async def test_a_page_of_another_site_may_link_to_the_dashboard_and_no_more(collector: Collector, site: str) -> None:
    """Also where its request has no Origin: images, scripts, frames, prefetches, links to the API."""
    link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert (await collector.get("/", **link))[0] == 200
    for path, headers in (
        ("/api/processes", link),
        ("/", link | {"Sec-Fetch-Dest": "iframe"}),
        ("/", link | {"Sec-Fetch-Mode": "no-cors"}),
        ("/", {"Sec-Fetch-Site": site}),
        ("/icon.svg", {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}),
    ):
        assert (await collector.get(path, **headers))[0] == 403
    assert (await collector.send(wire.encode(Program().batch()), **{"Sec-Fetch-Site": site}))[0] == 403
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        await collector.session.ws_connect(f"{collector.url}/api/live", headers={"Sec-Fetch-Site": site})
    for own in ("same-origin", "none"):
        assert (await collector.get("/api/processes", **{"Sec-Fetch-Site": own}))[0] == 200


async def test_who_follows_a_link_from_elsewhere_is_sent_once_more(guarded: Collector) -> None:
    """The session's cookie does not come with the link; it does with what the page itself asks for."""
    link = HTML | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    refresh = '<meta http-equiv="refresh" content="0" />'
    assert refresh in (await guarded.get("/", **link))[1]
    assert refresh not in (await guarded.get("/", **link | {"Sec-Fetch-Site": "same-origin"}))[1]


async def test_only_a_page_with_a_session_offers_to_log_out(
    guarded: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its root element says so."""
    (tmp_path / "index.html").write_text('<html lang="en">')
    monkeypatch.setattr(dashboard, "STATIC", tmp_path)
    assert await guarded.get("/", **await session_of(guarded)) == (200, '<html data-session lang="en">')
    assert await guarded.get("/", Authorization=f"Bearer {TOKEN}") == (200, '<html lang="en">')
