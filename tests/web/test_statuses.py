"""The HTTP status of a request on the page."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect
from tests.web.support.collector import Collector
from tests.web.support.shop import answered_requests

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_list_of_traces_has_method_route_and_status(collector: Collector, page: Page) -> None:
    """Newest first; a server error is marked as a failure and is in the list of those that failed."""
    await collector.post(answered_requests().batch())
    await page.goto(collector.url)
    await expect(page.locator(".tn-trace .tn-name")).to_have_text(["GET /orders/{id}"] * 4)
    await expect(page.locator(".tn-trace .tn-status")).to_have_text(["503", "404", "200"])
    await expect(page.locator(".tn-trace.tn-failed .tn-status")).to_have_text(["503"])
    await page.get_by_role("button", name="failed").click()
    await expect(page.locator(".tn-trace .tn-status")).to_have_text(["503"])


@pytest.mark.parametrize(("status", "is_error"), [("200", False), ("404", False), ("503", True)])
async def test_a_request_ends_with_its_status(collector: Collector, page: Page, status: str, is_error: bool) -> None:
    """In the diagram, in the title and in the details of the step."""
    await collector.post(answered_requests().batch())
    await page.goto(collector.url)
    await page.locator(".tn-trace", has_text=status).click()
    await expect(page.locator(".tn-title-line .tn-state")).to_have_text(f"{status}, closed after 3 ms, 1 lifecycle")
    step = page.locator(
        ".tn-message.tn-error .tn-label" if is_error else ".tn-message.tn-ok .tn-label", has_text=status
    )
    await step.click()
    fact = page.locator(".tn-details dl div", has_text="Status").locator("dd")
    await expect(fact).to_have_text(status)
    await expect(fact.locator(".tn-error")).to_have_count(int(is_error))
