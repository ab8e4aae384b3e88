"""A real browser, a real collector."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright
from tests.web.support.chromium import NODE, find_chromium
from tests.web.support.collector import Collector

REPOSITORY = Path(__file__).parent.parent.parent
WEB = REPOSITORY / "web"
STATIC = REPOSITORY / "server" / "tenure_server" / "static"


@pytest.fixture(scope="session")
def dashboard() -> None:
    """The dashboard as its sources are now, where the server finds it."""
    sources = [path for part in ("src", "public") for path in (WEB / part).rglob("*")] + [WEB / "index.html"]
    built = STATIC / "index.html"
    if built.exists() and built.stat().st_mtime >= max(path.stat().st_mtime for path in sources):
        return
    vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
    build = [sys.executable, NODE, "node", vite, "build", "--outDir", STATIC, "--emptyOutDir", "--logLevel", "error"]
    subprocess.run(build, cwd=WEB, check=True, timeout=60)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    chromium = find_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.path, args=list(chromium.arguments), env=dict(os.environ) | chromium.env
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page of 1280 x 800 in which no script may fail."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    page = await context.new_page()
    page.set_default_timeout(5_000)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    await context.close()
    assert failures == []


@pytest_asyncio.fixture(loop_scope="session")
async def collector(tmp_path: Path, dashboard: None) -> AsyncIterator[Collector]:
    collector = Collector(tmp_path)
    await collector.start()
    yield collector
    await collector.stop()
