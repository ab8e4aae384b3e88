"""Reads that take too long are stopped, and delay no other kind of read."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.server.support.batches import Program
from tests.server.support.collector import Clock, Collector, collecting

from tenure_server.background import lanes
from tenure_server.background.lanes import Deadline, Lane
from tenure_server.errors import ReadsBusy, ReadTooLong
from tenure_server.limits import DEFAULT_DIAGRAM
from tenure_server.model.lens import Lens
from tenure_server.store import LifecycleQuery, load_diagram
from tenure_server.store.sqlite import SqliteStore, backend
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot

ENDLESS = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers) SELECT count(*) FROM numbers"
LARGE = "/api/diagram?limit=20000"


@pytest.fixture
async def on_file(tmp_path: Path, clock: Clock) -> AsyncIterator[Collector]:
    """A collector whose store is a file, as it is in use, with one lifecycle."""
    store = SqliteStore(tmp_path / "store.sqlite", clock)
    async with collecting(store=store, clock=clock) as collector:
        program = Program()
        program.use("main", "Lock stock", acquire=0, wait=1, hold=1, release=1)
        await collector.post(program.batch())
        yield collector


def in_one_statement(reading: ReadSnapshot, _: object) -> Any:
    """A read that never ends, within SQLite."""
    return reading.connection.execute(ENDLESS).fetchone()


def in_many_statements(reading: ReadSnapshot, _: object) -> Any:
    """A read that never ends, of statements that are short."""
    while True:
        reading.connection.execute("SELECT 1").fetchone()


@pytest.mark.parametrize("endless", [in_one_statement, in_many_statements])
async def test_a_read_that_takes_too_long_is_stopped_and_answered_with_503(
    on_file: Collector, monkeypatch: pytest.MonkeyPatch, endless: Any
) -> None:
    """Its thread and its connection are free again: more of them than there are threads are all answered."""
    read = backend.read_lifecycles
    monkeypatch.setattr(backend, "read_lifecycles", endless)
    monkeypatch.setattr(lanes, "READ_LIMIT_S", 0.1)
    for _ in range(4):
        async with on_file.session.get(f"{on_file.url}/api/lifecycles") as answer:
            problem = await answer.json(content_type=None)
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
            assert problem["detail"] == (
                "the answer was not ready after 0.1 s, the limit READ_LIMIT_S"
                " (ask for less: a lower limit, a shorter time, a single trace)"
            )
    monkeypatch.setattr(backend, "read_lifecycles", read)
    monkeypatch.setattr(lanes, "READ_LIMIT_S", 30.0)
    assert len((await on_file.answer("/api/lifecycles"))["items"]) == 1


async def test_a_read_in_memory_is_stopped_too_and_the_writer_goes_on(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There it is the writer's own connection that is used."""
    store = SqliteStore(None, clock)
    monkeypatch.setattr(backend, "read_lifecycles", in_one_statement)
    monkeypatch.setattr(lanes, "READ_LIMIT_S", 0.1)
    with pytest.raises(ReadTooLong, match="READ_LIMIT_S"):
        await store.lifecycles(LifecycleQuery())
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1)
    await store.write(program.batch())
    await store.close()


async def test_large_diagrams_make_no_other_read_wait(on_file: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """While fourteen are read, and none gets on, lists, searches and usual diagrams are answered."""
    go_on = threading.Event()
    read_diagram_input = backend.read_diagram_input

    def read(reading: ReadSnapshot, lens: Lens, limit: int, keep: Any) -> Any:
        if limit > DEFAULT_DIAGRAM:
            assert go_on.wait(60)
        return read_diagram_input(reading, lens, limit, keep)

    monkeypatch.setattr(backend, "read_diagram_input", read)
    await _answers_while(on_file, go_on)


async def test_large_drawings_make_no_usual_one_wait(on_file: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do they hold a reader's thread, or the event loop."""
    go_on = threading.Event()
    draw_input = load_diagram.draw_input

    def draw(*arguments: Any, **named: Any) -> Any:
        if threading.current_thread().name.startswith("tenure-draw-large"):
            assert go_on.wait(60)
        return draw_input(*arguments, **named)

    monkeypatch.setattr(load_diagram, "draw_input", draw)
    store = on_file.store
    program = Program(2)
    for n in range(DEFAULT_DIAGRAM + 1):
        program.use("main", "Lock stock", acquire=n, wait=0.1, hold=0.1, release=0.1)
    await store.write(program.batch())
    await _answers_while(on_file, go_on)


async def _answers_while(collector: Collector, go_on: threading.Event) -> None:
    """Ask for 14 large diagrams, for everything else, and only then let the large ones go on."""
    large = [asyncio.create_task(collector.get(LARGE)) for _ in range(14)]
    await asyncio.wait(large, timeout=0.2)
    async with asyncio.timeout(20):
        for path in ("processes", "resources", "lifecycles", "traces", "diagram", "diagram?format=mermaid"):
            assert (await collector.get(f"/api/{path}"))[0] == 200
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await collector.get(path))[0] == 200
    assert not any(task.done() for task in large)
    go_on.set()
    assert [status for status, _ in await asyncio.gather(*large)] == [200] * 14


async def test_what_may_wait_in_a_lane_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is turned away at once, with the limit's name; those that wait are answered in turn."""
    monkeypatch.setattr(lanes, "MAX_READS_WAITING", 3)
    lane, go_on, order = Lane("test", 1), threading.Event(), []

    def work(number: int) -> None:
        assert go_on.wait(60)
        order.append(number)

    asked = [asyncio.create_task(lane.run(lambda _, n=number: work(n))) for number in range(4)]  # type: ignore[misc]
    await asyncio.sleep(0)
    with pytest.raises(ReadsBusy, match=r"3 reads of this kind .test. are waiting, the limit MAX_READS_WAITING is 3"):
        await lane.run(lambda _: None)
    go_on.set()
    await asyncio.gather(*asked)
    assert order == [0, 1, 2, 3]
    lane.close()


async def test_what_nobody_waits_for_is_told_to_stop_and_what_has_not_begun_never_does() -> None:
    """A client that went away takes its work with it."""
    lane, begun, all_cancelled = Lane("test", 1), threading.Event(), threading.Event()
    deadlines: list[Deadline] = []

    def work(deadline: Deadline) -> None:
        deadlines.append(deadline)
        begun.set()
        all_cancelled.wait(10)
        while not deadline.is_over():
            pass

    asked = [asyncio.create_task(lane.run(work)) for _ in range(3)]
    await asyncio.to_thread(begun.wait, 10)
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    all_cancelled.set()
    assert await lane.run(lambda _: "free") == "free"
    assert len(deadlines) == 1
    lane.close()


async def test_looking_whether_the_store_is_ready_writes_nothing(on_file: Collector) -> None:
    """However often anybody asks, who need not have the token."""
    store = on_file.store
    assert isinstance(store, SqliteStore)
    statements: list[str] = []
    store._connection.set_trace_callback(statements.append)
    for _ in range(20):
        assert await on_file.answer("/readyz") == {"status": "ok"}
    store._connection.set_trace_callback(None)
    assert [text for text in statements if "probe" in text or "INSERT" in text] == []
