"""The headers of every answer: what binds a browser, and what a browser may keep."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.server.support.collector import Collector

from tenure_server.http import dashboard
from tenure_server.http.listening import connections
from tenure_server.http.response_headers import HEADERS, NOT_KEPT


async def test_every_answer_carries_the_headers_that_bind_a_browser(collector: Collector) -> None:
    """Errors too."""
    for path in ("/", "/api/processes", "/api/nothing", "/api/lifecycles?limit=x"):
        async with collector.session.get(f"{collector.url}{path}") as answer:
            headers = dict(answer.headers)
        assert headers["Content-Security-Policy"] == (
            "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
        assert {name: headers[name] for name in headers if name.startswith("Cross-Origin")} == {
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "same-origin")
        assert (headers["Server"], headers["Cache-Control"]) == ("tenure", "no-store")


async def test_assets_alone_may_be_kept(collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They carry a hash in their names; pages and answers are not stored anywhere."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "app.js").write_text("code")
    (tmp_path / "index.html").write_text("<html lang='en'>")
    monkeypatch.setattr(dashboard, "STATIC", tmp_path)
    kept = {}
    for path in ("/", "/assets/app.js", "/api/processes", "/healthz", "/nothing", "/metrics"):
        async with collector.session.get(f"{collector.url}{path}") as answer:
            kept[path] = answer.headers["Cache-Control"]
    assert kept.pop("/assets/app.js") == "public, max-age=31536000, immutable"
    assert set(kept.values()) == {"no-store"}


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01 no request\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: ", 408),
        (b"POST /v1/lifecycles HTTP/1.1\r\nHost: localhost\r\nExpect: x\r\nConnection: close\r\n\r\n", 417),
    ],
)
async def test_what_never_reaches_the_application_is_answered_with_the_same_headers(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, sent: bytes, status: int
) -> None:
    """Those that bind a browser, and no versions."""
    monkeypatch.setattr(connections, "HEADER_LIMIT_S", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(collector.url.rpartition(":")[2]))
    writer.write(sent)
    async with asyncio.timeout(20):
        answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    assert str(status) in answer.partition("\r\n")[0]
    for name, value in (HEADERS | NOT_KEPT).items():
        assert f"\r\n{name}: {value}\r\n" in answer
    assert "aiohttp" not in answer
