"""The page at common widths and colour schemes, and with hostile names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, ViewportSize, expect
from tests.web.support.collector import Collector, Program
from tests.web.support.shop import held_and_waited_for, one_of_each_outcome

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = [
    "<img src=x onerror=document.title='broken'>",
    "</script><script>document.title='broken'</script>",
    "\u202eevil\u202c name",
    "two\nlines\r\nand\ttabs",
    "x" * 4_000,
    "%%{init: {}}%% ; end #quot;",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 800])
async def test_the_page_fits(collector: Collector, page: Page, tmp_path: Path, width: int, scheme: str) -> None:
    """Nothing but the diagram scrolls sideways; the rail stands there or behind its button; pictures are kept."""
    await page.set_viewport_size(ViewportSize(width=width, height=900))
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    await collector.post(held_and_waited_for().batch())
    await page.goto(collector.url)
    await expect(page.locator(".tn-open-tag").first).to_be_attached()

    assert await page.evaluate("document.documentElement.scrollWidth") == width
    rail = page.locator("#rail")
    if width == 800:
        await expect(rail).to_be_hidden()
        await page.get_by_role("button", name="Traces").click()
        await expect(rail).to_be_visible()
        await page.locator(".tn-trace").first.click()
        await expect(rail).to_be_hidden()
    else:
        await expect(rail).to_be_visible()
    ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(251, 251, 250)", "dark": "rgb(21, 23, 27)"}[scheme]
    await page.screenshot(path=tmp_path / f"{width}-{scheme}.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_picture_of_the_collector_has_its_colours(collector: Collector, page: Page, scheme: str) -> None:
    """The browser accepts the style sheet that is in the picture."""
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    await collector.post(held_and_waited_for().batch())
    await page.goto(f"{collector.url}api/diagram?format=svg")
    ground = await page.evaluate("getComputedStyle(document.querySelector('.ground')).fill")
    assert ground == {"light": "rgb(251, 251, 250)", "dark": "rgb(21, 23, 27)"}[scheme]


async def test_the_theme_can_be_chosen_and_is_kept(collector: Collector, page: Page) -> None:
    """The button goes from the system's to light to dark, and a reload keeps the choice."""
    await page.goto(collector.url)
    for theme in ("light", "dark"):
        await page.get_by_role("button", name="Theme").click()
        await expect(page.get_by_role("button", name=f"Theme: {theme}")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 23, 27)"


@pytest.mark.parametrize("name", HOSTILE, ids=["image", "script", "right-to-left", "lines", "long", "mermaid"])
async def test_names_are_text_whatever_they_hold(collector: Collector, page: Page, name: str) -> None:
    """A task's, a resource's and an exception's name are shown as they are, cut to their place, and do nothing."""
    program = Program(service=name)
    program.use(name, f"Lock {name[:3000]}", acquire=-10, wait=1)
    failing = {"body": 2, "body_exception": ("ValueError", name)}
    program.use(name, "Lock other", acquire=-5, wait=1, hold=1, release=1, **failing)  # type: ignore[arg-type]
    await collector.post(program.batch())
    await page.goto(collector.url)

    head = page.locator("button.tn-head.tn-task")
    await expect(head).to_have_count(1)
    whole = " ".join(name.split())[:79]
    assert (await head.get_attribute("title") or "").startswith(whole)
    lines = await head.locator("bdi").all_text_contents()
    assert len(lines) <= 2
    assert all(line.removesuffix("…") in whole for line in lines)
    await page.locator(".tn-message.tn-error").first.dispatch_event("click")
    await expect(page.locator(".tn-details .tn-exception-message")).to_contain_text(re.compile(r"\S"))
    assert await page.locator(".tn-details .tn-exception-message").evaluate("(said) => said.textContent") == name
    assert await page.title() == "Tenure"
    assert await page.locator("img, #app script").count() == 0
    assert await page.evaluate("document.documentElement.scrollWidth") == 1280
    widths = "(heads) => Math.max(...heads.map((head) => head.getBoundingClientRect().width))"
    assert await page.locator("button.tn-head").evaluate_all(widths) <= 118


async def test_a_page_opened_with_the_token_is_let_in(tmp_path: Path, dashboard: None, page: Page) -> None:
    """By the login page, and opened once with ?token=; logged out it is asked again, and an open page says so."""
    collector = Collector(tmp_path, "--token", "open-sesame")
    await collector.start()
    try:
        refused = await page.goto(collector.url)
        assert refused is not None
        assert refused.status == 401
        await page.get_by_label("Token").fill("wrong")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("alert")).to_have_text("Wrong token.")
        await page.get_by_label("Token").fill("open-sesame")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.locator(".tn-connection")).to_have_text("live")
        await page.get_by_role("button", name="Log out").click()
        await expect(page.get_by_role("button", name="Log in")).to_be_visible()

        await page.goto(f"{collector.url}?token=open-sesame")
        await expect(page.locator(".tn-connection")).to_have_text("live")
        assert "sesame" not in page.url

        await page.context.clear_cookies()
        await collector.stop()
        await collector.start()
        await expect(page.locator(".tn-connection.tn-refused")).to_contain_text("token", timeout=10_000)
    finally:
        await collector.stop()


async def test_everything_is_named_for_those_who_do_not_see_it(collector: Collector, page: Page) -> None:
    """Buttons have names, steps say from whom to whom, the state of the connection is announced."""
    await collector.post(one_of_each_outcome().batch())
    await page.goto(f"{collector.url}#now&grouped=0")
    await expect(page.locator(".tn-message").first).to_be_attached()
    nameless = """() => [...document.querySelectorAll('button, [role=button]')].filter(
        (button) => !(button.textContent.trim() || button.getAttribute('aria-label')))"""
    assert await page.evaluate(f"({nameless})().length") == 0
    await expect(page.get_by_role("status").first).to_have_text("live")
    said = await page.locator(".tn-message").first.get_attribute("aria-label")
    assert said == "quick-1 to Lock stock: __aenter__()"
