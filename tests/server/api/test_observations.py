"""GET /api/tasks and /api/stalls."""

from __future__ import annotations

import pytest
from tests.server.support.batches import Program, at
from tests.server.support.collector import Collector
from tests.server.support.observed_batches import batch


@pytest.fixture
async def program(collector: Collector) -> Program:
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1)
    await collector.post(
        batch(program, ("main", 6, "Queue.join"), ("idle", 7, "sleep 3 s"), stalls=((10, 350, True),)),
    )
    return program


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["idle", "main"]),
        ("?awaiting=1", ["idle", "main"]),
        ("?awaiting=0", []),
        ("?awaiting=Queue.join", ["main"]),
        ("?name=idle&open=1", ["idle"]),
        ("?open=0", []),
    ],
)
async def test_tasks(collector: Collector, program: Program, query: str, names: list[str]) -> None:
    answer = await collector.answer(f"/api/tasks{query}")
    assert [task["name"] for task in answer["items"]] == names
    assert answer["cursor"] is None


async def test_one_task_whole(collector: Collector, program: Program) -> None:
    (main,) = (await collector.answer(f"/api/tasks?process={program.hex}&name=main"))["items"]
    site = {"file": "shop.py", "function": "main", "expression": "stock", "enter": "__aenter__", "exit": "__aexit__"}
    stock = {
        "id": program.id(1), "kind": "shop.Lock", "name": "stock", "capacity": 1, "stereotype": "control",
    }  # fmt: skip
    assert main == {
        "id": program.id(1),
        "process": program.hex,
        "service": "shop",
        "name": "main",
        "coroutine": "main",
        "kind": "task",
        "open": True,
        "parent": None,
        "created_ns": at(0),
        "finished_ns": None,
        "outcome": None,
        "loop": None,
        "thread": None,
        "holds": [{"lifecycle": program.id(1), "resource": stock, "site": {**site, "line": 10}, "since_ns": at(1)}],
        "waits_for": [],
        "awaits": {
            "awaited": "Queue.join",
            "since_ns": at(6),
            "site": {**site, "line": 71, "function": "producer", "expression": "queue.join()"},
            "resource": None,
        },
    }


async def test_stalls(collector: Collector, program: Program) -> None:
    (stall,) = (await collector.answer(f"/api/stalls?process={program.hex}&since={at(0)}"))["items"]
    assert (stall["begin_ns"], stall["duration_ns"], stall["over"]) == (at(10), 350_000_000, True)
    assert (stall["task"], stall["stack"]) == ({"id": program.id(1), "name": "main"}, ["join (shop.py:71)"])
    assert (await collector.answer(f"/api/stalls?since={at(361)}"))["items"] == []
