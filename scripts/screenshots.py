"""Make the pictures of the README again, from the demo's live data.

    python -m scripts.screenshots           docs/dashboard.png and docs/dashboard-dark.png
    python -m scripts.screenshots --moving  docs/dashboard-live.webp

It starts the demo on a free port with a store of its own and ends it again. A still is taken when the shop's lock and
its pool are held and waited for. The moving picture is put together by Pillow, which uv fetches for that one run. The
dashboard must have been built (`make setup`).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import aiohttp
from playwright.async_api import Browser, Page, ViewportSize, async_playwright
from tests.web.support.chromium import find_chromium

ROOT = Path(__file__).parent.parent
PICTURES: dict[Literal["light", "dark"], Path] = {
    "light": ROOT / "docs" / "dashboard.png",
    "dark": ROOT / "docs" / "dashboard-dark.png",
}
MOVING_PICTURE = ROOT / "docs" / "dashboard-live.webp"
SIZE: ViewportSize = {"width": 1280, "height": 860}  # px
MOVING_SIZE: ViewportSize = {"width": 900, "height": 760}  # px, as wide as a README
MOVING_SECONDS = 10.0
MOVING_RESOURCE = "Pool (2)"  # few columns: nothing jumps sideways
FRAME_SECONDS = 0.3  # least time between two frames: the page gets its news about twice a second
WARM_UP = 20.0  # seconds of traffic before the first picture
LIMIT = 60.0  # seconds to wait for the collector, and for the moment to take a picture

# True while a delivery holds the lock and a connection, others wait for both, and their tags are shown below.
MOMENT = """() => ['Lock Stock.stock_lock', 'Pool (2)'].every((label) => {
    const row = [...document.querySelectorAll('.tn-resources tbody tr')]
        .find((candidate) => candidate.querySelector('.tn-name').textContent === label);
    const first = (kind) => row?.querySelector(`.tn-${kind} .tn-use:not(.tn-ended) .tn-name`)?.textContent;
    return first('holders') === 'delivery' && first('waiters');
}) && document.querySelectorAll('.tn-open-tag').length > 4 && document.querySelector('.tn-note.tn-wait')"""

# True while the diagram shows one resource and a task waits for it. The first frame may be all that a reader sees.
IS_WAITED_FOR = """() => document.querySelectorAll('button.tn-head.tn-resource').length === 1
    && document.querySelector('.tn-open-tag.tn-waiting') && document.querySelector('.tn-message')"""

# Run by Pillow's own Python: the arguments are the file to write, then each frame and its duration in ms.
ASSEMBLE = """
import sys
from PIL import Image
target, *rest = sys.argv[1:]
frames = [Image.open(path).convert("RGB") for path in rest[::2]]
durations = [int(ms) for ms in rest[1::2]]
frames[0].save(target, save_all=True, append_images=frames[1:], duration=durations, loop=0,
               lossless=True, quality=60, method=3)
"""


@dataclass(frozen=True)
class Frame:
    path: Path
    ms: int  # how long it is shown


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


async def take_stills(page: Page) -> None:
    for scheme, path in PICTURES.items():
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await page.wait_for_timeout(1_000)
        await page.wait_for_function(MOMENT, timeout=1_000 * LIMIT, polling=50)
        await page.screenshot(path=path)
        report(path)


async def record(page: Page, directory: Path) -> list[Frame]:
    """One resource for some seconds. Equal pictures in a row become one frame that is shown for longer."""
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")
    await page.locator(".tn-resource-link", has_text=MOVING_RESOURCE).click()
    await page.get_by_role("button", name="Group tasks").click()
    await page.mouse.move(0, 0)
    await page.wait_for_function(IS_WAITED_FOR, timeout=1_000 * LIMIT, polling=50)
    pictures: list[bytes] = []
    begins: list[float] = []
    began = time.monotonic()
    while (now := time.monotonic()) - began < MOVING_SECONDS:
        picture = await page.screenshot()
        if not pictures or picture != pictures[-1]:
            pictures.append(picture)
            begins.append(now)
        await asyncio.sleep(max(0.0, now + FRAME_SECONDS - time.monotonic()))
    frames = []
    for i, (begin, end) in enumerate(zip(begins, [*begins[1:], now], strict=True)):
        path = directory / f"{i:03}.png"
        path.write_bytes(pictures[i])
        frames.append(Frame(path, round(1_000 * (end - begin))))
    return frames


def assemble(frames: list[Frame], target: Path) -> None:
    pillow = [sys.executable, "-m", "uv", "tool", "run", "--quiet", "--with", "pillow==13.0.0", "python"]
    arguments = [text for frame in frames for text in (str(frame.path), str(frame.ms))]
    subprocess.run([*pillow, "-c", ASSEMBLE, str(target), *arguments], check=True, timeout=300)


def report(path: Path) -> None:
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")


async def open_page(browser: Browser, url: str, size: ViewportSize) -> Page:
    page = await browser.new_page(viewport=size)
    await page.goto(url)
    await asyncio.sleep(WARM_UP)
    return page


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.screenshots", description="Make the README's pictures.")
    parser.add_argument("--moving", action="store_true", help="make the moving picture instead of the stills")
    moving = parser.parse_args().moving
    chromium = find_chromium()
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        async with demo(free_port(), directory / "demo.sqlite") as url, async_playwright() as playwright:
            env: dict[str, str | float | bool] = {**os.environ, **chromium.env}
            browser = await playwright.chromium.launch(
                executable_path=chromium.path, args=list(chromium.arguments), env=env
            )
            page = await open_page(browser, url, MOVING_SIZE if moving else SIZE)
            frames = await record(page, directory) if moving else []
            if not moving:
                await take_stills(page)
            await browser.close()
        if moving:
            assemble(frames, MOVING_PICTURE)
            print(f"{len(frames)} frames, {sum(frame.ms for frame in frames) / 1_000:.1f} s")
            report(MOVING_PICTURE)


if __name__ == "__main__":
    asyncio.run(main())
