"""A live diagram is without what libraries enter for their own ends, says how many, and tells an exception once."""

from __future__ import annotations

from msgspec.structs import replace
from tests.server.support.batches import ERROR, Program
from tests.server.support.collector import Collector
from tests.server.support.live_client import watching

from tenure_server.diagram.steps import Message
from tenure_server.live import messages
from tenure_server.model.lens import Lens

FAILING = {"wait": 1, "hold": 2, "release": 1, "body": ERROR, "body_exception": ("ValueError", "no stock")}


async def test_the_lens_decides_and_the_number_follows(collector: Collector) -> None:
    program = Program()
    own = program.use("main", "Pool orders", acquire=0, wait=1)
    library = program.use("main", "Lock own", acquire=2, wait=1, hold=1, release=1, parent=own)
    library.site = replace(library.site, internal=True)
    await collector.post(program.batch())
    async with watching(collector) as client:
        await client.subscribe(Lens(internal=True))
        page = await client.receive()
        assert isinstance(page, messages.Page)
        assert (page.internal, any(step.id == f"{program.id(2)}:acquire" for step in page.steps)) == (0, True)
        await client.subscribe()
        page = await client.receive()
        assert isinstance(page, messages.Page)
        assert (page.internal, any(step.id == f"{program.id(2)}:acquire" for step in page.steps)) == (1, False)
        second = program.use("main", "Lock own", acquire=6, wait=1, hold=1, release=1, parent=own)
        second.site = library.site
        program.go_on(own, hold=20)
        await collector.post(program.batch())
        operations = await client.receive()
        assert isinstance(operations, messages.Operations)
        assert operations.internal == 2


async def test_one_cross_for_one_exception(collector: Collector) -> None:
    program = Program()
    pool = program.use("main", "Pool orders", acquire=0, **FAILING)  # type: ignore[arg-type]
    program.use("main", "Lock stock", acquire=1, parent=pool, **FAILING)  # type: ignore[arg-type]
    await collector.post(replace(program.batch(), propagated=[0]))
    async with watching(collector) as client:
        await client.subscribe()
        await client.receive()
    ends = {
        s.lifecycle: (s.arrow, s.label) for s in client.steps if isinstance(s, Message) and s.id.endswith(":released")
    }
    assert {arrow for arrow, _ in ends.values()} == {"-->>", "--x"}
    assert ends[program.id(2)][0] == "--x"
    assert all(label.endswith("ValueError goes on") for _, label in ends.values())
