"""Make docs/dashboard.png and docs/dashboard-dark.png again: the demo's live data, 1280 px wide.

    python -m scripts.screenshots

It starts the demo on a free port with a store of its own, waits until the shop's lock and its pool are held and waited
for, takes the picture in both colour schemes and ends the demo. The dashboard must have been built (`make setup`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import aiohttp
from playwright.async_api import Page, ViewportSize, async_playwright
from tests.web.chromium import find_chromium

ROOT = Path(__file__).parent.parent
PICTURES: dict[Literal["light", "dark"], Path] = {
    "light": ROOT / "docs" / "dashboard.png",
    "dark": ROOT / "docs" / "dashboard-dark.png",
}
SIZE: ViewportSize = {"width": 1280, "height": 860}  # px
WARM_UP = 20.0  # seconds of traffic before the first picture
LIMIT = 60.0  # seconds to wait for the collector, and for the moment to take a picture of

# True while a delivery holds the lock and a connection, others wait for both, and tags say so below.
MOMENT = """() => ['Lock stock_lock', 'Pool (2)'].every((label) => {
    const row = [...document.querySelectorAll('.tn-resources tbody tr')]
        .find((one) => one.querySelector('.tn-name').textContent === label);
    const first = (kind) => row?.querySelector(`.tn-${kind} .tn-use:not(.tn-ended) .tn-name`)?.textContent;
    return first('holders') === 'delivery' && first('waiters');
}) && document.querySelectorAll('.tn-open-tag').length > 4 && document.querySelector('.tn-note.tn-wait')"""


@asynccontextmanager
async def demo(port: int, store: Path) -> AsyncIterator[str]:
    """The URL of a running demo, once its collector answers."""
    command = [sys.executable, str(ROOT / "examples" / "demo.py"), "--port", str(port), "--store", str(store)]
    program = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/"
    try:
        async with asyncio.timeout(LIMIT), aiohttp.ClientSession() as session:
            await until_ready(session, f"{url}readyz")
        yield url
    finally:
        program.send_signal(signal.SIGINT)
        await program.wait()


async def until_ready(session: aiohttp.ClientSession, url: str) -> None:
    while True:
        try:
            async with session.get(url) as answer:
                if answer.ok:
                    return
        except aiohttp.ClientConnectionError:
            pass
        await asyncio.sleep(0.2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def take(page: Page) -> None:
    for scheme, path in PICTURES.items():
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await page.wait_for_timeout(1_000)
        await page.wait_for_function(MOMENT, timeout=1_000 * LIMIT, polling=50)
        await page.screenshot(path=path)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")


async def main() -> None:
    chromium = find_chromium()
    with tempfile.TemporaryDirectory() as folder:
        async with demo(free_port(), Path(folder) / "demo.sqlite") as url, async_playwright() as playwright:
            env: dict[str, str | float | bool] = {**os.environ, **chromium.env}
            browser = await playwright.chromium.launch(
                executable_path=chromium.path, args=list(chromium.arguments), env=env
            )
            page = await browser.new_page(viewport=SIZE)
            await page.goto(url)
            await asyncio.sleep(WARM_UP)
            await take(page)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
