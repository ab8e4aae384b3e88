"""What each version of Mermaid draws from our text in a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page
from tests.golden.diagram.scenarios import SCENARIOS

from tenure_server.diagram import mermaid_text

pytestmark = pytest.mark.asyncio(loop_scope="session")

PACKAGES = Path(__file__).parent / "node_modules"
TITLE = "shop #28277, 2026-11-30 14:02:05 to 14:02:37 UTC, é😀"
REMEDY = ["tenure export x.mmd.recording.json --to mermaid --trace ID"]

DRAW = """async texts => {
    const within = (text, box) => text.left >= box.left - 1 && text.right <= box.right + 1
        && text.top >= box.top - 1 && text.bottom <= box.bottom + 1;
    mermaid.initialize({ startOnLoad: false });
    const pictures = [];
    for (const [number, text] of texts.entries()) {
        const { svg } = await mermaid.render(`picture${number}`, text);
        document.getElementById("out").innerHTML = svg;
        const picture = document.querySelector("#out svg");
        const notes = [...picture.querySelectorAll("rect.note")];
        pictures.push({
            texts: [...picture.querySelectorAll("text")].map(text => text.textContent),
            notes: notes.map(note => [...note.parentNode.querySelectorAll("text")].map(text =>
                [text.textContent, within(text.getBoundingClientRect(), note.getBoundingClientRect())])),
        });
    }
    return pictures;
}"""


@pytest.mark.parametrize("package", ["mermaid-10", "mermaid-11.4", "mermaid-11.12", "mermaid"])
async def test_titles_are_drawn_and_notes_fit(package: str, page: Page) -> None:
    """The text of no note leaves its box, also where waits are many, and where lifecycles are left out."""
    drafts = [SCENARIOS[name]() for name in ("order", "still_open", "queue", "crowded_par", "abandoned")]
    texts = [
        *(mermaid_text(steps, title=TITLE).text for steps in drafts),
        mermaid_text(drafts[0], title=TITLE, earlier=5_000, remedy=REMEDY).text,
        mermaid_text(drafts[0], 1_400, title=TITLE, earlier=5_000, remedy=REMEDY).text,
        mermaid_text([], title=TITLE).text,
    ]
    await page.set_content("<div id=out></div>")
    await page.add_script_tag(path=PACKAGES / package / "dist" / "mermaid.min.js")
    pictures = await page.evaluate(DRAW, texts)
    assert all(TITLE in picture["texts"] for picture in pictures)
    notes = [line for picture in pictures for note in picture["notes"] for line in note]
    assert [text for text, fits in notes if not fits] == []
    written = [text for text, _ in notes]
    assert {"nothing was held", "5000 earlier lifecycles are left", *REMEDY} <= set(written)
    assert sum("still waiting" in text or "waits for worker-1" in text for text in written) >= 5
