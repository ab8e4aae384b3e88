"""From `__aenter__` to paint: a real program under `tenure run`, a real collector, a real browser.

The program makes a steady load; one task of it, the beacon, notes the wall clock at each of its `__aenter__`. The page
shows the beacon and notes when each of its lifecycles was first painted. Both clocks are this machine's.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page, async_playwright
from tests.web.support.chromium import find_chromium
from tests.web.support.collector import Collector

from benchmarks.figure import Figure

LIFECYCLES_A_SECOND = 1_000
BEACONS = 25

PROGRAM = f"""
import asyncio, json, time

entered = []

class Beacon:
    async def __aenter__(self):
        entered.append(time.time_ns())
    async def __aexit__(self, *_):
        pass

lamp = Beacon()

async def load():
    lock = asyncio.Lock()
    due = time.monotonic()
    while True:
        for _ in range(10):
            async with lock:
                pass
        due += 10 / {LIFECYCLES_A_SECOND}
        await asyncio.sleep(max(0, due - time.monotonic()))

async def beacon():
    for _ in range({BEACONS}):
        await asyncio.sleep(0.13)
        async with lamp:
            pass

async def main():
    async with lamp:
        pass
    loading = asyncio.create_task(load())
    await asyncio.to_thread(input)
    await asyncio.create_task(beacon(), name="beacon")
    print(json.dumps(entered[1:]))
    await asyncio.to_thread(input)
    loading.cancel()

asyncio.run(main())
"""

WATCH = """
() => {
    window.painted = new Map();
    const look = () => {
        for (const step of document.querySelectorAll('.tn-step[data-lifecycle]')) {
            const id = step.dataset.lifecycle;
            if (window.painted.has(id)) continue;
            window.painted.set(id, null);
            const paints = () => window.painted.set(id, performance.timeOrigin + performance.now());
            requestAnimationFrame(() => setTimeout(paints));
        }
    };
    look();
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}
"""


def figures() -> list[Figure]:
    """Milliseconds from `__aenter__` to paint, at a load of 1,000 lifecycles a second."""
    times = sorted(asyncio.run(_measure()))
    name = f"__aenter__ to paint at {LIFECYCLES_A_SECOND:,} lifecycles/s"
    return [
        Figure(f"{name}, median", statistics.median(times), "ms", "at most 500"),
        Figure(f"{name}, slowest of {len(times)}", times[-1], "ms", "at most 500"),
    ]


async def _measure() -> list[float]:
    chromium = find_chromium()
    with tempfile.TemporaryDirectory() as directory:
        collector = Collector(Path(directory))
        await collector.start()
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=chromium.path, args=list(chromium.arguments), env=dict(os.environ) | chromium.env
                )
                page = await browser.new_page(viewport={"width": 1280, "height": 800})
                times = await _times(collector, page, Path(directory))
                await browser.close()
            return times
        finally:
            await collector.stop()


async def _times(collector: Collector, page: Page, directory: Path) -> list[float]:
    script = directory / "lighthouse.py"
    script.write_text(PROGRAM)
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tenure", "run", "--collector", collector.url, str(script)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=directory,
    )
    assert program.stdin is not None
    assert program.stdout is not None
    try:
        resource = await _resource(collector)
        await page.goto(f"{collector.url}#resource={resource}&fold=0&grouped=1")
        await page.locator(".tn-message").first.wait_for()
        await page.evaluate(WATCH)
        before = await page.evaluate("window.painted.size")
        program.stdin.write(b"\n")
        entered = json.loads(await asyncio.wait_for(program.stdout.readline(), 30))
        await page.wait_for_function("(all) => window.painted.size >= all", arg=before + BEACONS, timeout=5_000)
        await asyncio.sleep(0.2)
        painted = (await page.evaluate("[...window.painted.values()]"))[before:]
        program.stdin.write(b"\n")
        await asyncio.wait_for(program.wait(), 10)
    finally:
        if program.returncode is None:
            program.kill()
    return [after - ns / 1e6 for ns, after in zip(entered, painted, strict=True)]


async def _resource(collector: Collector) -> str:
    """The id of the beacon's lamp, as soon as the collector has heard of it."""
    for _ in range(200):
        for resource in json.loads(await collector.text("api/resources"))["items"]:
            if resource["kind"].endswith("Beacon"):
                return str(resource["id"])
        await asyncio.sleep(0.05)
    raise TimeoutError("the program's lamp did not come to the collector")
