"""Which requests the collector answers: by host, origin and token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tests.server.support.batches import Program
from tests.server.support.collector import Collector, collecting

from tenure import wire
from tenure_server.errors import UsageError
from tenure_server.http import dashboard
from tenure_server.settings import Settings, check_reach, is_loopback

TOKEN = "correct-horse"


@pytest.fixture
async def guarded() -> AsyncIterator[Collector]:
    """A collector that asks for a token."""
    async with collecting(Settings(port=0, token=TOKEN)) as running:
        yield running


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.0.0.1:4320", "LOCALHOST:80"])
async def test_names_of_this_machine_are_answered(collector: Collector, host: str) -> None:
    """With any port, in any case."""
    assert (await collector.get("/api/processes", Host=host))[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:4320", "", "[", "192.0.2.1"])
async def test_a_foreign_host_is_turned_away(collector: Collector, host: str) -> None:
    """DNS rebinding: a page of evil.example whose name now means 127.0.0.1 learns nothing, not even by a POST."""
    for path in ("/api/processes", "/", "/healthz", "/api/live"):
        status, answer = await collector.get(path, Host=host)
        assert (status, answer["title"]) == (403, "Forbidden")
    assert (await collector.send(wire.encode(Program().batch()), Host=host or " "))[0] in {400, 403}
    assert (await collector.answer("/api/processes"))["items"] == []


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "", "file://", "127.0.0.1"])
async def test_a_foreign_page_is_turned_away(collector: Collector, origin: str) -> None:
    """From the API and from the WebSocket, for which browsers ask no server's leave."""
    status, answer = await collector.get("/api/processes", Origin=origin)
    assert (status, answer["title"]) == (403, "Forbidden")
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        await collector.session.ws_connect(f"{collector.url}/api/live", origin=origin)


async def test_the_collectors_own_page_is_answered(collector: Collector) -> None:
    """Its origin is the address that it was asked at."""
    assert (await collector.get("/api/processes", Origin=collector.url))[0] == 200
    async with collector.session.ws_connect(f"{collector.url}/api/live", origin=collector.url) as socket:
        assert not socket.closed


async def test_without_the_token_nothing_is_told_and_nothing_stored(guarded: Collector) -> None:
    """401 says how to send it; health is for anybody."""
    for path in ("/", "/api/processes", "/metrics", "/api/openapi.json", "/api/live", "/api/processes?token=wrong"):
        status, answer = await guarded.get(path)
        assert status == 401
        assert "Authorization: Bearer TOKEN" in answer["detail"]
    for header in ("Bearer wrong", "Bearer", f"Basic {TOKEN}", TOKEN, "Bearer \xff"):
        assert (await guarded.send(wire.encode(Program().batch()), Authorization=header))[0] == 401
    with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
        await guarded.session.ws_connect(f"{guarded.url}/api/live")
    assert await guarded.answer("/healthz") == await guarded.answer("/readyz") == {"status": "ok"}
    assert (await guarded.answer(f"/api/processes?token={TOKEN}"))["items"] == []


async def test_with_the_token_all_ways_are_open(guarded: Collector) -> None:
    """As a header and in the address."""
    assert (await guarded.send(wire.encode(Program().batch()), Authorization=f"Bearer {TOKEN}"))[0] == 200
    assert (await guarded.get("/api/processes", Authorization=f"bearer {TOKEN}"))[0] == 200
    assert (await guarded.get(f"/api/lifecycles?limit=5&token={TOKEN}"))[0] == 200
    async with guarded.session.ws_connect(f"{guarded.url}/api/live?token={TOKEN}") as socket:
        assert not socket.closed


async def test_a_page_opened_with_the_token_is_let_in_by_a_cookie_from_then_on(guarded: Collector) -> None:
    """The address loses the token; the cookie is out of scripts' and other sites' reach, and is not the token."""
    url = f"{guarded.url}/?token={TOKEN}"
    async with guarded.session.get(url, headers={"Accept": "text/html"}, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "./")
        cookie = answer.cookies["tenure_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert TOKEN not in cookie.value
    cookies = {"tenure_session": cookie.value}
    async with aiohttp.ClientSession(cookies=cookies, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(f"{guarded.url}/api/processes") as answer:
            assert answer.status == 200
        async with session.ws_connect(f"{guarded.url}/api/live") as socket:
            assert not socket.closed


@pytest.mark.parametrize(
    ("host", "token"), [("127.0.0.1", None), ("::1", None), ("localhost", None), ("0.0.0.0", "x"), ("::", "x")]
)
def test_loopback_needs_no_token_and_a_token_opens_any_address(host: str, token: str | None) -> None:
    """These start."""
    check_reach(Settings(host=host, token=token))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "10.0.0.1", "no.such.name.invalid", ""])
def test_another_address_without_a_token_is_refused(host: str) -> None:
    """The error says how to set one."""
    with pytest.raises(UsageError, match="set --token TOKEN or TENURE_TOKEN"):
        check_reach(Settings(host=host))
    assert not is_loopback(host)


@pytest.mark.parametrize("token", ["two words", "snow\u2603", "line\nbreak"])
def test_a_token_that_no_header_can_carry_is_refused(token: str) -> None:
    """It would never match."""
    with pytest.raises(UsageError, match="an HTTP header cannot carry"):
        check_reach(Settings(token=token))


@pytest.mark.parametrize("name", ["http://x", "x:4320", "x/y", "", "x y", "*"])
def test_what_is_no_name_of_a_host_is_refused(name: str) -> None:
    """It would never match."""
    with pytest.raises(UsageError, match="invalid host name"):
        check_reach(Settings(allow_hosts=(name,)))


def test_a_token_for_sending_opens_other_addresses_too() -> None:
    """Alone it serves for both."""
    check_reach(Settings(host="0.0.0.0", ingest_token="battery-staple", allow_hosts=("traces.example", "2001:db8::1")))


async def test_only_the_dashboards_own_files_are_served(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the path says: no parent, no link to elsewhere, no directory."""
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<p>page")
    (static / "assets" / "app.js").write_text("code")
    (tmp_path / "secret").write_text("secret")
    (static / "assets" / "link").symlink_to(tmp_path / "secret")
    monkeypatch.setattr(dashboard, "STATIC", static)

    assert await collector.get("/") == (200, "<p>page")
    assert await collector.get("/assets/app.js") == (200, "code")
    for path in ("/assets/link", "/assets", "/assets/", "/secret", "/assets/%2e%2e%2f%2e%2e%2fsecret", "/..%2fsecret"):
        assert (await collector.get(path))[0] == 404
    for raw in ("/../secret", "/assets/../../secret", "/assets/..", "/%00"):
        assert await _raw_status(collector, raw) == 404


async def _raw_status(collector: Collector, path: str) -> int:
    """Without the client's tidying of paths."""
    port = int(collector.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    status = int((await reader.read()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status


async def test_without_a_built_dashboard_the_page_says_how_to_build_it(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collector is of use all the same."""
    monkeypatch.setattr(dashboard, "STATIC", tmp_path)
    status, page = await collector.get("/")
    assert status == 200
    assert "make setup" in page
