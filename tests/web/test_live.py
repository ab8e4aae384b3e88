"""Events of a program appear in the page without a click."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect
from tests.web.support.collector import Collector, Program
from tests.web.support.shop import batches_of, held_and_waited_for, many_uses, one_of_each_outcome

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_page_without_a_process_says_how_to_start_one_and_fills_by_itself(
    collector: Collector, page: Page
) -> None:
    """Before the first batch the two commands stand there; after it the resources, with no reload."""
    await page.goto(collector.url)
    await expect(page.locator(".tn-empty dt")).to_have_text(["tenure run app.py", "make demo"])

    await collector.post(held_and_waited_for().batch())

    await expect(page.get_by_role("button", name="Lock stock").first).to_be_visible()
    await expect(page.locator(".tn-empty")).to_have_count(0)


async def test_the_table_says_what_is_held_by_whom_and_who_waits(collector: Collector, page: Page) -> None:
    """Resources with waiters come first; holders and waiters stand there by name and since when."""
    await collector.post(held_and_waited_for().batch())
    await page.goto(collector.url)

    rows = page.locator(".tn-resources tbody tr")
    await expect(rows).to_have_count(2)
    lock, pool = rows.nth(0), rows.nth(1)
    await expect(lock.locator("th")).to_have_text("Lock stock")
    await expect(lock.locator(".tn-held")).to_have_text("1/1")
    await expect(lock.locator(".tn-uses.tn-holders")).to_have_text(re.compile(r"^report-13[2-9] s$"))
    await expect(lock.locator(".tn-uses.tn-waiters .tn-name")).to_have_text(["checkout-1", "checkout-2"])
    await expect(lock.locator(".tn-uses.tn-waiters .tn-since").first).to_have_text(re.compile(r"^(9|1\d) s$"))
    await expect(pool.locator("th")).to_have_text("Pool orders (3)")
    await expect(pool.locator(".tn-held")).to_have_text("2/3")
    await expect(pool.locator(".tn-slot.tn-taken")).to_have_count(2)


async def test_an_open_lifecycle_is_shown_as_open_and_its_time_goes_on(collector: Collector, page: Page) -> None:
    """Its activation has no end, the tag under it says that it is held and counts the seconds; its trace is open."""
    program = Program()
    program.use("report-1", "Lock stock", acquire=-1_000, wait=0.1)
    await collector.post(program.batch())
    await page.goto(collector.url)

    await expect(page.locator(".tn-activation.tn-open")).to_have_count(1)
    tag = page.locator(".tn-open-tag")
    await expect(tag).to_have_text(re.compile(r"^held \d s$"))
    await expect(tag).to_have_attribute("aria-label", re.compile(r"^Lock stock: still held, "))
    await expect(page.locator(".tn-trace .tn-duration")).to_have_text(re.compile(r"^open \d s$"))
    before = await tag.text_content()
    assert before is not None
    await expect(tag).not_to_have_text(before)


async def test_a_lifecycle_that_goes_on_changes_the_picture(collector: Collector, page: Page) -> None:
    """Acquired, then released: the open activation ends and its tag goes, while the page stands."""
    program = Program()
    use = program.use("report-1", "Lock stock", acquire=-10)
    await collector.post(program.batch())
    await page.goto(collector.url)
    await expect(page.locator(".tn-open-tag.tn-waiting")).to_have_text(re.compile("^waiting"))

    program.go_on(use, wait=5)
    await collector.post(program.batch())
    await expect(page.locator(".tn-open-tag:not(.tn-waiting)")).to_have_text(re.compile("^held"))

    program.go_on(use, hold=10, release=1)
    await collector.post(program.batch())
    await expect(page.locator(".tn-open-tag")).to_have_count(0)
    await expect(page.locator(".tn-activation:not(.tn-open)")).to_have_count(1)


async def test_failures_and_cancellations_have_marks_of_their_own(collector: Collector, page: Page) -> None:
    """Failed messages are crossed, cancelled ones barred; the traces that failed are marked in the rail."""
    await collector.post(one_of_each_outcome().batch())
    await page.goto(collector.url)

    await expect(page.locator(".tn-message.tn-error .tn-label")).to_have_text(
        ["__aexit__(ValueError)", "released after 0.1 ms, ValueError goes on", "ConnectionError: refused after 5 ms"]
    )
    await expect(page.locator(".tn-message.tn-error .tn-cross")).to_have_count(2)
    await expect(page.locator(".tn-message.tn-cancelled .tn-label").first).to_have_text(re.compile("^⊘ "))
    await expect(page.locator(".tn-message.tn-cancelled .tn-barred").first).to_be_attached()
    failed = page.locator(".tn-trace.tn-failed .tn-name")
    await expect(failed.filter(has_text="refund-1")).to_have_count(1)
    await expect(failed.filter(has_text="connect-1")).to_have_count(1)
    await expect(failed.filter(has_text="quick-1")).to_have_count(0)


async def test_lost_lifecycles_are_always_in_sight(collector: Collector, page: Page) -> None:
    """The header counts what the tracers dropped, by reason in its title."""
    program = held_and_waited_for()
    await collector.post(program.batch())
    await page.goto(collector.url)
    await expect(page.locator(".tn-dropped")).to_have_text("0 dropped")

    await collector.post(program.batch(dropped={"buffer full": 1200}))

    await expect(page.locator(".tn-dropped.tn-nonzero")).to_have_text("1,200 dropped")
    await expect(page.locator(".tn-dropped.tn-nonzero")).to_have_attribute("title", "buffer full: 1200")


async def test_a_page_outlives_its_collector(collector: Collector, page: Page) -> None:
    """While it is gone the page says so and keeps the last picture; after its return it goes on without a click."""
    program = held_and_waited_for()
    await collector.post(program.batch())
    await page.goto(f"{collector.url}#now&grouped=0")
    await expect(page.locator(".tn-connection")).to_have_text("live")
    await expect(page.locator(".tn-activation.tn-open").first).to_be_attached()

    await collector.stop()
    await expect(page.locator(".tn-connection.tn-gone")).to_have_text("collector does not answer, retrying")
    await expect(page.locator(".tn-activation.tn-open").first).to_be_attached()

    await collector.start()
    await expect(page.locator(".tn-connection")).to_have_text("live", timeout=10_000)
    program.use("late-1", "Queue mail", acquire=0, wait=0.1)
    await collector.post(program.batch())
    await expect(page.locator(".tn-trace", has_text="late-1: Queue mail")).to_have_count(1)
    await expect(page.locator(".tn-title-line .tn-state")).to_have_text("4 held, 2 waiting")


async def test_the_reader_is_not_carried_away_from_what_they_read(collector: Collector, page: Page) -> None:
    """Scrolled up, the page keeps its place while steps come in, counts them, and a click goes to the end."""
    program = many_uses(200)
    await collector.post(program.batch())
    await page.goto(f"{collector.url}#now&fold=0")
    diagram = page.locator(".tn-diagram")
    await expect(page.locator(".tn-message").first).to_be_attached()
    await diagram.evaluate("d => d.scrollTop = 1000")
    await page.wait_for_function("() => document.querySelector('.tn-diagram').scrollTop === 1000")

    program.use("worker-1", "Lock stock", acquire=1, wait=0.01, hold=1, release=0.01, line=900)
    await collector.post(program.batch())
    await expect(page.locator(".tn-unread")).to_have_text("5 new ↓")
    assert await diagram.evaluate("d => d.scrollTop") == 1000

    await page.locator(".tn-unread").click()
    await expect(page.locator(".tn-unread")).to_have_count(0)
    assert await diagram.evaluate("d => d.scrollTop + d.clientHeight >= d.scrollHeight - 1")


async def test_twenty_thousand_steps_stay_a_small_document(collector: Collector, page: Page) -> None:
    """Of a diagram of any length only what is in view stands in the document, wherever the reader is."""
    for batch in batches_of(many_uses(5_000)):
        await collector.post(batch)
    await page.goto(f"{collector.url}#now&fold=0")
    await expect(page.locator(".tn-earlier")).to_contain_text("4,500 lifecycles")
    for shown in (3_000, 0):
        await page.locator(".tn-earlier button").click()
        if shown:
            await expect(page.locator(".tn-earlier")).to_contain_text(f"{shown:,} lifecycles")
    await expect(page.locator(".tn-earlier")).to_have_count(0)

    diagram = page.locator(".tn-diagram")
    assert await diagram.evaluate("d => d.scrollHeight") > 20_000 * 30
    for part in (0, 0.5, 1):
        await diagram.evaluate("(d, part) => d.scrollTop = part * d.scrollHeight", part)
        await page.wait_for_function(
            """() => {
                const { top, bottom } = document.querySelector('.tn-diagram').getBoundingClientRect();
                return [...document.querySelectorAll('.tn-message')].some((message) => {
                    const at = message.getBoundingClientRect();
                    return at.top > top && at.bottom < bottom;
                });
            }"""
        )
        assert await page.evaluate("document.querySelectorAll('*').length") < 1_500


async def test_what_is_new_comes_into_view_sideways_too(collector: Collector, page: Page) -> None:
    """Following the end, the view goes to where the latest steps are, unless the reader has scrolled sideways."""
    program = Program()
    for i in range(12):
        program.use(f"worker-{i}", f"Lock number{i}", acquire=-100 + i, wait=0.1, hold=0.1, release=0.1, line=i)
    await collector.post(program.batch())
    await page.goto(f"{collector.url}#now&grouped=0&fold=0")
    await expect(page.locator("button.tn-head", has_text="worker-11")).to_be_visible()
    diagram = page.locator(".tn-diagram")
    assert await diagram.evaluate("d => d.scrollLeft") > 1000

    await diagram.press("ArrowLeft")
    await diagram.evaluate("d => d.scrollLeft = 0")
    program.use("worker-11", "Lock number11", acquire=1, wait=0.1, hold=0.1, release=0.1, line=11)
    await collector.post(program.batch())
    hint = page.locator(".tn-offscreen-hint[data-id$='-13:released']")
    await expect(hint).to_have_attribute("aria-label", "Lock number11 to worker-11: released after 0.1 ms")
    assert await diagram.evaluate("d => d.scrollLeft") == 0

    await hint.click()
    await expect(page.locator(".tn-step.tn-chosen .tn-label")).to_have_text("released after 0.1 ms")
    assert await diagram.evaluate("d => d.scrollLeft") > 1000


async def test_a_diagram_that_becomes_shorter_is_never_blank(collector: Collector, page: Page) -> None:
    """Folding 200 equal uses into one loop leaves steps in view in every frame."""
    program = Program()
    for i in range(200):
        program.use("worker-1", "Lock stock", acquire=-1000 + 4 * i, wait=0.01, hold=1, release=0.01)
    await collector.post(program.batch(final=True))
    await page.goto(f"{collector.url}#now&fold=0")
    await expect(page.locator(".tn-message").first).to_be_attached()
    await page.evaluate("""() => {
        window.fewest = Infinity;
        const look = () => {
            window.fewest = Math.min(window.fewest, document.querySelectorAll('.tn-step').length);
            requestAnimationFrame(look);
        };
        look();
    }""")
    await page.get_by_role("button", name="Fold repeats").click()
    await expect(page.locator(".tn-fragment")).to_have_count(1)
    assert await page.evaluate("window.fewest") > 0
