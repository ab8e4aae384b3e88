"""A real program under `tenure run`, in the page: from `async with` to pixel."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.web.support.collector import Collector

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Does as it is told, line by line: hold a lock, let go, fail in the block, be cancelled while waiting.
PROGRAM = """
import asyncio, sys

vault = asyncio.Lock()

async def line():
    return (await asyncio.to_thread(sys.stdin.readline)).strip()

async def fail():
    async with vault:
        raise ValueError("out of stock")

async def wait():
    async with vault:
        pass

async def main():
    await line()
    async with vault:
        await line()
        waiting = asyncio.create_task(wait(), name="impatient")
        await line()
        waiting.cancel()
        await asyncio.wait([waiting])
        await line()
    try:
        await fail()
    except ValueError:
        pass
    await line()

asyncio.run(main())
"""


@asynccontextmanager
async def running(collector: Collector, directory: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    script = directory / "vault.py"
    script.write_text(PROGRAM)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tenure", "run", "--collector", collector.url, str(script)),
        stdin=asyncio.subprocess.PIPE,
        cwd=directory,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_program_is_seen_while_it_runs(collector: Collector, page: Page, tmp_path: Path) -> None:
    """A lock is seen while it is held, then who waits for it, then a cancellation, then a failure, as they happen."""
    await page.goto(f"{collector.url}#now&grouped=0")
    async with running(collector, tmp_path) as program:
        assert program.stdin is not None

        program.stdin.write(b"hold\n")
        await expect(page.locator(".tn-open-tag")).to_have_text(re.compile("^held"))
        row = page.locator(".tn-resources tbody tr", has_text="Lock vault")
        await expect(row.locator(".tn-use .tn-name")).to_have_text("main")
        await expect(row.locator(".tn-held")).to_have_text("1/1")

        program.stdin.write(b"let another wait\n")
        await expect(row.locator(".tn-uses.tn-waiters .tn-use:not(.tn-ended) .tn-name")).to_have_text("impatient")
        await expect(page.locator(".tn-open-tag.tn-waiting")).to_have_attribute(
            "title", re.compile(r"^still waiting for main \(vault")
        )

        program.stdin.write(b"cancel it\n")
        await expect(page.locator(".tn-message.tn-cancelled .tn-label").first).to_have_text(re.compile("⊘ cancelled"))

        program.stdin.write(b"let go and fail\n")
        failure = page.locator(".tn-message.tn-error .tn-label", has_text="ValueError goes on")
        await expect(failure).to_have_count(1)
        await expect(page.locator(".tn-open-tag")).to_have_count(0)

        program.stdin.write(b"end\n")
        assert await program.wait() == 0
        await expect(page.locator(".tn-process.tn-ended")).to_have_count(1)
