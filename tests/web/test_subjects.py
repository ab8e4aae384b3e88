"""Choosing a subject by pointer, keyboard and address."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect
from tests.web.support.collector import Collector, Program
from tests.web.support.shop import held_and_waited_for, many_uses, one_of_each_outcome

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_subject_stands_in_the_address_and_outlives_reload_and_back(collector: Collector, page: Page) -> None:
    """A chosen trace, then a chosen resource: reload shows the same, back shows the one before."""
    program = one_of_each_outcome()
    await collector.post(program.batch())
    await page.goto(collector.url)
    await page.locator(".tn-trace", has_text="refund-1").click()
    title = page.locator(".tn-title-line h2")
    await expect(title).to_have_text(re.compile("refund-1"))
    await expect(page).to_have_url(f"{collector.url}#trace={program.trace_id(2)}")
    await expect(page.locator(".tn-message")).to_have_count(4)

    await page.reload()
    await expect(title).to_have_text(re.compile("refund-1"))
    await expect(page.locator(".tn-message")).to_have_count(4)

    await page.locator(".tn-resources button.tn-resource-link", has_text="Connection upstream").click()
    await expect(title).to_have_text("Connection upstream")
    await page.go_back()
    await expect(title).to_have_text(re.compile("refund-1"))


async def test_every_name_leads_somewhere(collector: Collector, page: Page) -> None:
    """A waiter in the table leads to the task, a head in the diagram to the resource, the rail to everything."""
    program = held_and_waited_for()
    await collector.post(program.batch())
    await page.goto(collector.url)
    await page.locator(".tn-uses.tn-waiters .tn-use", has_text="checkout-2").click()
    await expect(page).to_have_url(re.compile(r"#task="))
    await expect(page.locator(".tn-title-line h2")).to_have_text("checkout-2")

    await page.locator("button.tn-head.tn-resource[aria-label='Pool orders (3)']").click()
    await expect(page).to_have_url(re.compile(r"#resource="))
    await expect(page.locator(".tn-title-line h2")).to_have_text("Pool orders (3)")

    await page.get_by_role("button", name="Everything now").click()
    await expect(page).to_have_url(f"{collector.url}#now")


async def test_a_step_tells_all_that_is_known_of_its_lifecycle(collector: Collector, page: Page) -> None:
    """A click on a step shows its site, its three times and its exception; Escape closes."""
    await collector.post(one_of_each_outcome().batch())
    await page.goto(collector.url)
    await page.locator(".tn-message.tn-error .tn-label", has_text="goes on").click()

    details = page.locator(".tn-details")
    await expect(details.locator("dt")).to_have_text(
        ["Resource", "Task", "Site", "Wait", "Hold", "Release", "Exception in the block", "Trace"]
    )
    await expect(details.locator("dd").nth(2)).to_contain_text("shop.py:10")
    await expect(details.locator("dd").nth(4)).to_have_text("3 mserror")
    await expect(details.locator("dd").nth(6)).to_have_text("ValueErrorout of stock")
    await expect(page.locator(".tn-step.tn-lit")).to_have_count(4)

    await page.keyboard.press("Escape")
    await expect(details).to_have_count(0)


async def test_what_is_open_is_told_at_the_bottom_edge_and_leads_to_its_details(
    collector: Collector, page: Page
) -> None:
    """A tag lights up its lifecycle, chosen by pointer or keyboard it tells all; the room of one that goes stays."""
    program = Program()
    held = program.use("report-1", "Lock stock", acquire=-4_000, wait=0.1)
    await collector.post(program.batch())
    await page.goto(collector.url)
    tag = page.locator(".tn-open-tag")
    await expect(tag).to_have_text(re.compile("^held"))
    middles = """() => ['.tn-open-tag', '.tn-activation.tn-open'].map((one) => {
        const { left, right } = document.querySelector(one).getBoundingClientRect();
        return (left + right) / 2;
    })"""
    of_tag, of_bar = await page.evaluate(middles)
    assert abs(of_tag - of_bar) < 3

    await tag.hover()
    await expect(page.locator(".tn-step.tn-lit")).to_have_count(2)
    await expect(page.locator(".tn-activation.tn-lit")).to_have_count(1)
    await tag.press("Enter")
    await expect(page.locator(".tn-details h3")).to_have_text(re.compile("^still held, "))
    await expect(page.locator(".tn-details dd").first).to_contain_text("Lock stock")
    await page.keyboard.press("Escape")
    await expect(page.locator(".tn-details")).to_have_count(0)

    height = "(band) => band.getBoundingClientRect().height"
    before = await page.locator(".tn-open-band").evaluate(height)
    program.go_on(held, hold=10, release=1)
    await collector.post(program.batch())
    await expect(tag).to_have_count(0)
    assert await page.locator(".tn-open-band").evaluate(height) == before > 20
    await expect(page.locator(".tn-open-band")).to_be_hidden(timeout=10_000)


async def test_the_page_can_be_used_without_a_pointer(collector: Collector, page: Page) -> None:
    """Tab reaches the rail, arrows go through it, Enter chooses; j goes through the steps, Escape closes."""
    program = one_of_each_outcome()
    await collector.post(program.batch())
    await page.goto(collector.url)
    await expect(page.locator(".tn-trace")).to_have_count(4)
    while not await page.evaluate("document.activeElement.matches('.tn-everything')"):
        await page.keyboard.press("Tab")

    for _ in range(2):
        await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"#trace="))
    await expect(page.locator(".tn-title-line h2")).to_have_text(re.compile("Lock stock|Connection upstream"))
    await expect(page.locator(".tn-message")).to_have_count(4)

    await page.locator(".tn-diagram").focus()
    await page.keyboard.press("j")
    await expect(page.locator(".tn-step.tn-chosen")).to_have_count(1)
    await expect(page.locator(".tn-details")).to_be_visible()
    await page.keyboard.press("j")
    await expect(page.locator(".tn-step.tn-chosen .tn-label")).to_have_text(re.compile("acquired|cancelled"))
    await page.keyboard.press("Escape")
    await expect(page.locator(".tn-details")).to_have_count(0)


async def test_copy_as_mermaid_is_the_api_s_text(collector: Collector, page: Page) -> None:
    """What lands in the clipboard is what /api/diagram answers for the same picture."""
    program = one_of_each_outcome()
    await collector.post(program.batch(final=True))
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=collector.url)
    await page.goto(f"{collector.url}#trace={program.trace_id(2)}")
    await expect(page.locator(".tn-message")).to_have_count(4)

    await page.get_by_role("button", name="Copy as Mermaid").click()

    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    expected = await collector.text(f"api/diagram?trace={program.trace_id(2)}&format=mermaid")
    assert await page.evaluate("navigator.clipboard.readText()") == expected
    assert expected.startswith('---\ntitle: "shop #4001, ')


async def test_where_the_clipboard_is_not_allowed_the_text_can_be_taken_by_hand(
    collector: Collector, page: Page
) -> None:
    """The text stands selected in a field, and Escape closes it."""
    program = one_of_each_outcome()
    await collector.post(program.batch(final=True))
    await page.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed'))")
    await page.goto(f"{collector.url}#trace={program.trace_id(2)}")
    await expect(page.locator(".tn-message")).to_have_count(4)

    await page.get_by_role("button", name="Copy as Mermaid").click()

    expected = await collector.text(f"api/diagram?trace={program.trace_id(2)}&format=mermaid")
    await expect(page.locator(".tn-copy-text textarea")).to_have_value(expected)
    selected = "(area) => area.value.slice(area.selectionStart, area.selectionEnd)"
    assert await page.locator(".tn-copy-text textarea").evaluate(selected) == expected
    await page.locator(".tn-copy-text textarea").press("Escape")
    await expect(page.locator(".tn-copy-text")).to_have_count(0)


async def test_a_fold_can_be_opened_and_closed_again(collector: Collector, page: Page) -> None:
    """Equal uses are one loop; unfolding it shows each, in the page and in what is copied; folding again the loop."""
    program = Program()
    for i in range(20):
        program.use("worker-1", "Lock stock", acquire=-100 + 4 * i, wait=0.01, hold=1, release=0.01)
    await collector.post(program.batch(final=True))
    await page.goto(collector.url)
    await expect(page.locator(".tn-fragment-label .tn-label")).to_have_text(re.compile("^20 times"))

    await page.locator(".tn-unfold").click()
    await expect(page.locator(".tn-fragment")).to_have_count(0)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=collector.url)
    await page.get_by_role("button", name="Copy as Mermaid").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert "loop" not in await page.evaluate("navigator.clipboard.readText()")
    await page.get_by_role("button", name="fold again").click()
    await expect(page.locator(".tn-fragment-label .tn-label")).to_have_text(re.compile("^20 times"))

    await page.get_by_role("button", name="Fold repeats").click()
    await expect(page).to_have_url(f"{collector.url}#now&fold=0")
    await expect(page.locator(".tn-fragment")).to_have_count(0)


async def test_what_came_before_can_be_asked_for(collector: Collector, page: Page) -> None:
    """The newest 500 lifecycles are shown first; the line above says how many came before and shows more of them."""
    await collector.post(many_uses(600).batch())
    await page.goto(f"{collector.url}#now&fold=0")
    await expect(page.locator(".tn-earlier")).to_have_text("earlier: 100 lifecycles, show more")

    await page.locator(".tn-earlier button").click()

    await expect(page.locator(".tn-earlier")).to_have_count(0)


async def test_a_subject_that_is_not_there_is_said_so(collector: Collector, page: Page) -> None:
    """An address of a trace that the store does not have: what was shown before goes, and the reason stands there."""
    await collector.post(one_of_each_outcome().batch())
    await page.goto(collector.url)
    await expect(page.locator(".tn-message").first).to_be_attached()

    await page.evaluate("location.hash = '#trace=' + 'ab'.repeat(16)")

    await expect(page.get_by_role("alert")).to_contain_text("ab" * 16)
    await expect(page.locator(".tn-message")).to_have_count(0)
    await page.get_by_role("button", name="Everything now").click()
    await expect(page.get_by_role("alert")).to_have_count(0)
    await expect(page.locator(".tn-message").first).to_be_attached()
