"""Spans of services without the tracer, in the dashboard."""

from __future__ import annotations

import re
import time

import aiohttp
import pytest
from playwright.async_api import Page, expect
from tests.server.support.batches import at
from tests.server.support.spans import CLIENT, PROTOBUF, SERVER, group, request, span
from tests.web.support.collector import Collector

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_a_service_does_not_tell_is_not_shown(collector: Collector, page: Page) -> None:
    """A span has no phases, this one no site, and its service no process id: nothing says 0 for them."""
    now_ns = time.time_ns()
    spans = [
        span(1, "POST /orders", begin=1, end=5, kind=SERVER),
        span(2, "SELECT", begin=2, end=4, kind=CLIENT, parent=1, db_system="mysql", error=("Gone", "token=hunter2")),
    ]
    for sent in spans:  # the dashboard shows what is of these days
        sent.end_time_unix_nano += now_ns - at(5)
        sent.start_time_unix_nano += now_ns - at(5)
    made = request(group("orders", spans[0]), group("stock", spans[1]))
    async with (
        aiohttp.ClientSession(headers={"Content-Type": PROTOBUF}) as session,
        session.post(f"{collector.url}v1/traces", data=made.SerializeToString()) as answer,
    ):
        assert (answer.status, await answer.read()) == (200, b"")
    await page.goto(collector.url)

    await expect(page.locator(".tn-process .tn-name")).to_have_text([re.compile("^orders$|^stock$")] * 2)
    named = page.locator(".tn-resources button.tn-resource-link .tn-muted")
    await expect(named).to_have_text([re.compile("^orders$|^stock$")] * 2)
    await page.locator(".tn-message .tn-label", has_text="SELECT").click()
    details = page.locator(".tn-details")
    await expect(details.locator("dt")).to_have_text(
        ["Resource", "Task", "Duration", "Exception in the block", "Trace"]
    )
    await expect(details.locator("dd").nth(3)).to_have_text("Gonetoken=***")
