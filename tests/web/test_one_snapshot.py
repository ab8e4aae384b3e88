"""The page's table, title and diagram change together."""

from __future__ import annotations

import asyncio
import time

import pytest
from playwright.async_api import Page, expect
from tests.server.support.traffic import POOL, Traffic
from tests.web.support.collector import Collector, Program

pytestmark = pytest.mark.asyncio(loop_scope="session")

SAMPLES = 100
COUNTS = r"""() => {
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const present = (cell) => all(".tn-use:not(.tn-ended)", cell).length;
  const others = (cell) => sum(all(".tn-more-uses", cell).map((more) => Number(more.textContent)));
  const inColumn = (column) =>
    sum(all(`.tn-resources tbody td:nth-child(${column})`).map((cell) => present(cell) + others(cell)));
  const notes = all(".tn-open-tag").flatMap((tag) => tag.title.split("\n"));
  const waiting = notes.filter((note) => note.startsWith("still waiting")).length;
  const title = document.querySelector(".tn-state").textContent;
  return {
    title: (title.match(/^(\d+) held, (\d+) waiting$/) ?? []).slice(1).map(Number),
    slots: sum(all(".tn-held").map((held) => parseInt(held.textContent))),
    table: [inColumn(3), inColumn(4)],
    diagram: [notes.length - waiting, waiting],
  };
}"""


async def test_table_title_and_diagram_show_the_same_numbers_at_every_moment(collector: Collector, page: Page) -> None:
    """A hundred looks while a program runs: the title's counts are the table's, and the diagram's."""
    program = Program()
    traffic = Traffic(program, seed=11)
    is_over = False

    async def run() -> None:
        before = time.monotonic()
        while not is_over:
            await asyncio.sleep(0.02)
            now = time.monotonic()
            traffic.step(1000 * (now - before))
            before = now
            await collector.post(program.batch())

    running = asyncio.create_task(run())
    try:
        await page.goto(collector.url)
        await expect(page.locator(".tn-open-tag").first).to_be_visible()
        looks = []
        for _ in range(SAMPLES):
            looks.append(await page.evaluate(COUNTS))
            await asyncio.sleep(0.013)
    finally:
        is_over = True
        await running
    for look in looks:
        assert look["title"] == look["table"] == look["diagram"]
        assert look["slots"] == look["title"][0]
    assert len({str(look) for look in looks}) >= 5


async def test_all_that_is_open_is_counted_where_a_part_is_drawn(collector: Collector, page: Page) -> None:
    """823 are open: title and table say so, and the title says how many of them the diagram draws."""
    program = Program()
    program.resource(POOL, 400, "database")
    for n in range(823):
        program.use(f"worker-{n}", POOL, acquire=-5_000 + n, wait=0.1 if n < 400 else None)
    await collector.post(program.batch())
    await page.goto(collector.url)
    await expect(page.locator(".tn-state")).to_have_text("400 held, 423 waiting")
    await expect(page.locator(".tn-earlier").first).to_have_text("500 of 823 open lifecycles are drawn")
    await expect(page.locator(".tn-resources .tn-held")).to_have_text("400/400")
    await expect(page.locator(".tn-more-uses")).to_have_text(["+399", "+422"])


async def test_who_waits_has_no_bar(collector: Collector, page: Page) -> None:
    """A pool of three that connects: no bar before the first has its place, and never more bars than places."""
    program = Program()
    program.resource(POOL, 3, "database")
    uses = [program.use(f"report-{n}", POOL, acquire=n / 10) for n in range(5)]
    await collector.post(program.batch())
    await page.goto(collector.url)
    await expect(page.locator(".tn-open-tag.tn-waiting")).to_have_text(["waiting", "waiting", "+3 more"])
    await expect(page.locator(".tn-activation")).to_have_count(0)
    await expect(page.locator(".tn-note.tn-wait")).to_have_count(2)
    for use in uses[:3]:
        program.go_on(use, wait=12)
    await collector.post(program.batch())
    await expect(page.locator(".tn-activation.tn-open")).to_have_count(3)
    await expect(page.locator(".tn-note.tn-wait")).to_have_count(2)
