"""The state of the export, in the page's header."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from tests.server.support.otlp_backend import Backend, serving
from tests.web.support.collector import Collector
from tests.web.support.shop import one_of_each_outcome

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def exporting(tmp_path: Path, dashboard: None, unused_tcp_port: int) -> AsyncIterator[tuple[Collector, int]]:
    """A collector that exports to a port where nobody listens yet."""
    collector = Collector(tmp_path, "--otlp", f"http://127.0.0.1:{unused_tcp_port}")
    await collector.start()
    yield collector, unused_tcp_port
    await collector.stop()


async def test_a_backend_that_is_gone_and_comes_back_is_seen(exporting: tuple[Collector, int], page: Page) -> None:
    """What waits for it, since when and why; and that nothing does, once it is there."""
    collector, port = exporting
    await page.goto(collector.url)
    await collector.post(one_of_each_outcome().batch())
    word = page.locator(".tn-exporters summary")
    await expect(word).to_have_text(re.compile(r"^export retrying, \d+ s behind$"))
    await word.click()
    row = page.locator(".tn-exporters tbody tr").first
    await expect(row).to_contain_text(f"http://127.0.0.1:{port}/v1/traces")
    await expect(row.locator(".tn-number").nth(1)).to_have_text("4")
    await expect(page.locator(".tn-exporters .tn-exporter-error")).to_contain_text("last error: ")

    async with serving(Backend(), port) as backend:
        await backend.until(4, seconds=30)
        await expect(word).to_have_text("exporting", timeout=20_000)
        await expect(row.locator(".tn-number").first).to_have_text("4")
        await expect(row.locator(".tn-number").nth(1)).to_have_text("0")


async def test_without_exporters_nothing_is_said(collector: Collector, page: Page) -> None:
    """Who exports nothing has no use for the word."""
    await collector.post(one_of_each_outcome().batch())
    await page.goto(collector.url)
    await expect(page.locator(".tn-resources")).to_be_visible()
    await expect(page.locator(".tn-exporters")).to_have_count(0)
