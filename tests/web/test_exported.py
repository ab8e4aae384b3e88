"""The page that `tenure run -o FILE.html` writes, opened as a file: no collector, no network."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROGRAM = """
import asyncio

vault = asyncio.Lock()

async def clerk():
    async with vault:
        await asyncio.sleep(0.05)

async def robber():
    async with vault:
        raise ValueError("<b>caught</b>")

async def main():
    for _ in range(6):
        async with vault:
            pass
    await asyncio.gather(asyncio.create_task(clerk()), asyncio.create_task(robber()), return_exceptions=True)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, dashboard: None) -> Path:
    """Of a program that ends, some of it alike, a wait and a failure in it."""
    directory = tmp_path_factory.mktemp("exported")
    (directory / "vault.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "tenure", "run", "-o", "vault.html", "vault.py"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(path.name for path in directory.iterdir() if path.is_file()) == ["vault.html", "vault.py"]
    return directory / "vault.html"


async def test_the_page_shows_what_happened_and_asks_nobody(exported: Path, page: Page) -> None:
    """Everything first, from its beginning; the header says when it was recorded; nothing is loaded."""
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    await page.goto(exported.as_uri())
    await expect(page.locator(".tn-connection")).to_have_text(re.compile(r"^recorded \d+ \w+ \d{4}, \d\d:\d\d$"))
    await expect(page.locator(".tn-title-line h2")).to_have_text("Everything")
    await expect(page.locator("[data-fold]")).to_be_visible()
    assert await page.locator(".tn-diagram").evaluate("diagram => diagram.scrollTop") == 0
    await expect(page.locator(".tn-resources tbody tr")).to_have_count(1)
    await page.wait_for_load_state("networkidle")
    assert [url for url in urls if not url.startswith("data:")] == [exported.as_uri()]


async def test_every_subject_of_the_page_can_be_chosen(exported: Path, page: Page) -> None:
    """A trace, its resource by its head, back; a step tells of its lifecycle, and no name becomes markup."""
    await page.goto(exported.as_uri())
    await page.locator(".tn-trace.tn-failed").click()
    await expect(page.locator(".tn-title-line h2")).to_have_text(re.compile("robber"))
    await page.locator(".tn-message.tn-error .tn-label", has_text="goes on").click()
    details = page.locator(".tn-details")
    await expect(details.locator(".tn-exception-message")).to_have_text("<b>caught</b>")
    await expect(details).to_contain_text("vault.py")
    await page.locator("button.tn-head.tn-resource").click()
    await expect(page.locator(".tn-title-line h2")).to_have_text("Lock vault")
    await expect(page.locator(".tn-note.tn-wait")).to_contain_text("waits for clerk")
    await page.reload()
    await expect(page.locator(".tn-title-line h2")).to_have_text("Lock vault")
    await page.get_by_role("button", name="Everything").click()
    await expect(page.locator(".tn-title-line h2")).to_have_text("Everything")


async def test_folds_open_and_close(exported: Path, page: Page) -> None:
    """A click on a folded loop draws it out, and `fold again` folds it."""
    await page.goto(exported.as_uri())
    folded = page.locator("[data-fold]")
    await folded.first.click()
    await expect(folded).to_have_count(0)
    await page.get_by_role("button", name="fold again").click()
    await expect(folded).not_to_have_count(0)


async def test_the_mermaid_text_is_in_the_page(exported: Path, page: Page) -> None:
    """Copied, or shown where the clipboard is closed to files."""
    await page.goto(exported.as_uri())
    await page.get_by_role("button", name="Copy as Mermaid").click()
    either = page.locator(".tn-copy-text textarea").or_(page.get_by_role("button", name="Copied"))
    await expect(either).to_be_visible()
    if await page.locator(".tn-copy-text textarea").count():
        text = await page.locator(".tn-copy-text textarea").input_value()
    else:
        await page.context.grant_permissions(["clipboard-read"])
        text = await page.evaluate("navigator.clipboard.readText()")
    assert text.startswith('---\ntitle: "vault #')
