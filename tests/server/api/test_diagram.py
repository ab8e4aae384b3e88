"""GET /api/diagram: its title, its dialects, and its folds."""

from __future__ import annotations

import base64
import hashlib
import re

from tests.server.support.batches import Program
from tests.server.support.collector import Collector


async def test_a_diagram_has_a_title_and_two_dialects(collector: Collector) -> None:
    """In JSON the title alone; in Mermaid text the types of participants where they are asked for."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=0)
    await collector.post(program.batch())
    diagram = await collector.answer("/api/diagram")
    assert re.fullmatch(r"shop #4001, 2023-11-14 22:13:20( to .+)? UTC", diagram["title"])
    for dialect, participant in {"plain": "p2 as Lock", "12": 'p2@{ "type": "control" } as Lock'}.items():
        text = await collector.answer(f"/api/diagram?format=mermaid&dialect={dialect}")
        assert text.startswith('---\ntitle: "shop #4001, 2023-11-14 22:13:20')
        assert f"participant {participant} stock\n" in text
        assert "still held, " in text
    status, problem = await collector.get("/api/diagram?format=mermaid&dialect=11")
    assert (status, "plain, 12" in problem["detail"]) == (400, True)


async def test_a_diagram_is_drawn_as_a_picture(collector: Collector) -> None:
    """With the same title and the same lens; a trace that is not there is 404, as for the other formats."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=0)
    await collector.post(program.batch())
    async with collector.session.get(f"{collector.url}/api/diagram?format=svg") as answer:
        picture = await answer.text()
    assert (answer.status, answer.content_type) == (200, "image/svg+xml")
    style = hashlib.sha256(picture.partition("<style>")[2].partition("</style>")[0].encode()).digest()
    assert f"style-src 'sha256-{base64.b64encode(style).decode()}'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert re.search(r'class="title"[^>]*>shop #4001, 2023-11-14 22:13:20', picture)
    assert "still held, " in picture
    assert (await collector.get("/api/diagram?format=svg&trace=" + "0" * 31 + "1"))[0] == 404


async def test_equal_tasks_are_folded_where_that_is_asked_for(collector: Collector) -> None:
    """Mermaid text needs it only where it would be cut."""
    program = Program()
    for number in range(5):
        program.use(f"worker-{number}", "Lock stock", acquire=number, wait=0, hold=0.5, release=0)
    await collector.post(program.batch(final=True))
    for query, folds in {"": 0, "fold_roots=0": 0, "fold_roots=1": 1, "fold_roots=1&fold=0": 0}.items():
        steps = (await collector.answer(f"/api/diagram?{query}"))["steps"]
        assert [step["lifecycles"] for step in steps if step["step"] == "begin"] == [5] * folds
    assert "par" not in (await collector.answer("/api/diagram?format=mermaid")).split()
