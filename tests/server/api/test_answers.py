"""The API's answers, compared whole."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.support.batches import ERROR, OK, START_NS, Program, at
from tests.server.support.collector import Clock, Collector

from tenure_server.api.listing import list_route
from tenure_server.http.parameters import text
from tenure_server.model.records import Resource
from tenure_server.store import Listing, ResourceQuery


@pytest.fixture
async def program(collector: Collector) -> Program:
    """A shop at 1 s of its life: the pool was used, the lock is held by a worker and wanted by another."""
    program = Program()
    outer = program.use("main", "Pool orders", acquire=0, wait=1, hold=100, release=2)
    program.resources["Pool orders"] = program.resource("Pool orders")
    program.task("worker-1", parent="main", created_in=outer, created=4)
    program.task("worker-2", parent="main", created_in=outer, created=4)
    program.use("worker-1", "Lock stock", acquire=10, wait=0.001, parent=outer, line=41)
    program.use("worker-2", "Lock stock", acquire=20, parent=outer, line=41)
    program.use(
        "main", "Lock stock", acquire=30, wait=1, hold=5, release=1, parent=outer, body=ERROR, release_outcome=OK,
        body_exception=("ValueError", "out of stock"),
    )  # fmt: skip
    await collector.post(program.batch(dropped={"full": 2}))
    return program


def use(program: Program, number: int, task: tuple[int, str], since_ms: float) -> dict[str, Any]:
    return {
        "lifecycle": program.id(number),
        "task": {"id": program.id(task[0]), "name": task[1]},
        "site": {
            "file": "shop.py", "line": 41, "function": "worker", "expression": "stock", "enter": "__aenter__",
            "exit": "__aexit__",
        },
        "since_ns": at(since_ms),
    }  # fmt: skip


async def test_processes(collector: Collector, program: Program) -> None:
    """As the process introduced itself, when it was last heard of, and what it lost."""
    assert await collector.answer("/api/processes") == {
        "items": [
            {
                "id": program.hex,
                "service": "shop",
                "host": "host-1",
                "pid": 4001,
                "python": "3.11.7",
                "started_ns": START_NS,
                "last_seen_ns": at(1_000),
                "alive": True,
                "dropped": {"full": 2},
                "clock_skew_ms": -897,  # the last that it told of is 103 ms after its begin
            }
        ],
        "cursor": None,
    }


async def test_resources(collector: Collector, program: Program) -> None:
    """Counts by phase, holders and waiters by name, percentiles in ms."""
    answer = await collector.answer("/api/resources?open=1")
    lock = answer["items"][0]
    assert lock.pop("wait_ms")["p95"] == pytest.approx(1, rel=0.025)
    assert lock.pop("hold_ms")["p50"] == pytest.approx(5, rel=0.025)
    assert answer == {
        "items": [
            {
                "id": program.id(2),
                "process": program.hex,
                "kind": "shop.Lock",
                "name": "stock",
                "capacity": 1,
                "stereotype": "control",
                "acquiring": 1,
                "held": 1,
                "releasing": 0,
                "failed": 1,
                "total": 3,
                "holders": [use(program, 2, (2, "worker-1"), 10.001)],
                "waiters": [use(program, 3, (3, "worker-2"), 20)],
            }
        ],
        "cursor": None,
    }
    assert [item["name"] for item in (await collector.answer("/api/resources?open=0"))["items"]] == ["orders"]
    assert (await collector.answer(f"/api/resources?process={program.hex}&kind=shop.Pool"))["items"][0]["name"] == (
        "orders"
    )


async def test_lifecycles(collector: Collector, program: Program) -> None:
    """All keys are there, also where they are null."""
    answer = await collector.answer("/api/lifecycles?phase=acquiring")
    assert answer == {
        "items": [
            {
                "id": program.id(3),
                "process": program.hex,
                "service": "shop",
                "trace": program.trace_id(1),
                "parent": program.id(1),
                "phase": "acquiring",
                "suppressed": False,
                "task": {"id": program.id(3), "name": "worker-2"},
                "resource": {
                    "id": program.id(2), "kind": "shop.Lock", "name": "stock", "capacity": 1, "stereotype": "control",
                },
                "site": {
                    "file": "shop.py", "line": 41, "function": "worker", "expression": "stock",
                    "enter": "__aenter__", "exit": "__aexit__",
                },
                "acquire_ns": at(20),
                "acquired_ns": None,
                "release_ns": None,
                "released_ns": None,
                "acquire_outcome": None,
                "body_outcome": None,
                "release_outcome": None,
                "exception": None,
                "body_exception": None,
                "raised": None,
                "otel_parent": None,
                "held_around": None,
                "status": None,
                "internal": False,
                "released_by": None,
                "loop": None,
                "thread": None,
            }
        ],
        "cursor": None,
    }  # fmt: skip
    failed = (await collector.answer("/api/lifecycles?outcome=error"))["items"]
    assert [(item["id"], item["exception"]) for item in failed] == [
        (program.id(4), {"type": "ValueError", "message": "out of stock", "canceller": None})
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [4, 3, 2, 1]),
        ("limit=2", [4, 3]),
        ("process={process}", [4, 3, 2, 1]),
        ("process=ffffffffffffffffffffffffffffffff", []),
        ("resource={process}-1", [1]),
        ("task={process}-1", [4, 1]),
        ("trace={trace}", [4, 3, 2, 1]),
        ("phase=held", [2]),
        ("phase=closed", [4, 1]),
        ("outcome=ok", [1]),
        ("status=404", []),
        ("min_wait_ms=1", [4, 3, 1]),
        ("min_hold_ms=50.5", [2, 1]),
        ("since=1700000000010000000", [4, 3, 2]),
        ("since=2023-11-14T22:13:20.015Z", [4, 3]),
        ("since=2023-11-14T23:13:20.015%2B01:00", [4, 3]),
        ("until=2023-11-14T22:13:20.015", [2, 1]),
        ("since=-5m", []),
        ("until=-1.5s", [4, 3, 2, 1]),
        ("id={process}-3", [3]),
    ],
)
async def test_lifecycles_are_filtered(collector: Collector, program: Program, query: str, found: list[int]) -> None:
    """Each parameter as the design names it, instants in all their forms."""
    filled = query.format(process=program.hex, trace=program.trace_id(1))
    answer = await collector.answer(f"/api/lifecycles?{filled}")
    assert [item["id"] for item in answer["items"]] == [program.id(number) for number in found]


async def test_lists_go_on_after_their_cursor(collector: Collector, program: Program) -> None:
    """The cursor is null at the end, and only there."""
    found = []
    path = "/api/lifecycles?limit=3"
    while True:
        answer = await collector.answer(path)
        found += [item["id"] for item in answer["items"]]
        if answer["cursor"] is None:
            break
        path = f"/api/lifecycles?limit=3&cursor={answer['cursor']}"
    assert found == [program.id(number) for number in (4, 3, 2, 1)]


def test_a_list_refuses_a_filter_that_its_query_does_not_have() -> None:
    """When the routes are made, not when the first request comes."""
    with pytest.raises(TypeError, match="colour"):
        list_route(
            "/api/resources",
            "Resources.",
            listing=Listing[Resource],
            filters={"colour": text("colour", "Only those of this colour.")},
            query=ResourceQuery,
            read=lambda store, query: store.resources(query),
        )


async def test_traces(collector: Collector, program: Program) -> None:
    """Named by its root; it has no end while something of it is open."""
    expected = {
        "items": [
            {
                "id": program.trace_id(1),
                "name": "main: Pool orders",
                "services": ["shop"],
                "start_ns": at(0),
                "end_ns": None,
                "lifecycles": 4,
                "open": 2,
                "errors": 1,
                "status": None,
            }
        ],
        "cursor": None,
    }
    assert await collector.answer("/api/traces") == expected
    assert await collector.answer("/api/traces?service=shop&until=2023-11-14T22:13:20.001Z") == expected
    assert await collector.answer("/api/traces?service=mail") == {"items": [], "cursor": None}
    assert await collector.answer("/api/traces?since=2023-11-14T22:13:20.001Z") == {"items": [], "cursor": None}


async def test_a_diagram_comes_as_mermaid_and_as_steps(collector: Collector, clock: Clock) -> None:
    """The textbook program gives the textbook's five messages, however it is asked for."""
    program = Program()
    program.use("main", "AsyncDatabaseConnection", acquire=0, wait=1_000, hold=0.025, release=1_000)
    program.resources["AsyncDatabaseConnection"] = program.resources["AsyncDatabaseConnection"].__class__(
        1, "shop.AsyncDatabaseConnection", "", None
    )
    await collector.post(program.batch(final=True))
    text = (
        "sequenceDiagram\n"
        "    participant p1 as main\n"
        "    participant p2 as AsyncDatabaseConnection\n"
        "    p1->>+p2: __aenter__()\n"
        "    p2-->>p1: acquired after 1.00 s\n"
        "    p1->>p1: body 25 µs\n"
        "    p1->>p2: __aexit__()\n"
        "    p2-->>-p1: released after 1.00 s\n"
    )
    for subject in ("", f"&trace={program.trace_id(1)}", f"&task={program.id(1)}", f"&resource={program.id(1)}"):
        assert await collector.answer(f"/api/diagram?format=mermaid{subject}") == text
        steps = await collector.answer(f"/api/diagram?{subject[1:]}")
        assert [step.get("label") for step in steps["steps"] if step["step"] == "message"] == [
            line.partition(": ")[2] for line in text.splitlines()[3:]
        ]
        assert steps["earlier"] == 0


async def test_a_diagram_folds_unless_it_is_told_not_to(collector: Collector) -> None:
    """fold=0 draws every round of a loop, limit the newest."""
    program = Program()
    for n in range(10):
        program.use("main", "Lock stock", acquire=n * 10, wait=0.001, hold=1, release=0.001)
    await collector.post(program.batch(final=True))

    folded = await collector.answer("/api/diagram?format=mermaid")
    unfolded = await collector.answer("/api/diagram?format=mermaid&fold=0")
    steps = (await collector.answer("/api/diagram"))["steps"]
    (fold,) = [step["fold"] for step in steps if step["step"] == "begin"]
    opened = await collector.answer(f"/api/diagram?format=mermaid&opened={fold},unknown")
    newest = await collector.answer("/api/diagram?fold=0&limit=4")

    assert folded.count("__aenter__") == 1
    assert "loop 10 times" in folded
    assert unfolded.count("__aenter__") == 10
    assert opened.count("__aenter__") == 10
    assert newest["earlier"] == 6
    assert sum(step.get("label") == "__aenter__()" for step in newest["steps"]) == 4


async def test_health_is_asked_with_head_too(collector: Collector) -> None:
    """Some watchers want the status alone."""
    async with collector.session.head(f"{collector.url}/healthz") as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def test_health_and_metrics(collector: Collector, program: Program) -> None:
    """Alive, ready, and the collector's own counts."""
    assert await collector.answer("/healthz") == {"status": "ok"}
    assert await collector.answer("/readyz") == {"status": "ok"}
    await collector.send(b"")
    await collector.send(b"", Content_Encoding="br")
    metrics = await collector.answer("/metrics")
    values = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if not line.startswith("#"))
    of_resources = {name for name in values if name.startswith(("tenure_resource_", "db_client_"))}
    assert {name: value for name, value in values.items() if name not in of_resources} == {
        "tenure_batches_total": "1.0",
        "tenure_batches_repeated_total": "0.0",
        "tenure_lifecycles_total": "4.0",
        'tenure_refused_total{reason="encoding"}': "1.0",
        'tenure_refused_total{reason="malformed"}': "1.0",
        'tenure_dropped_total{reason="full"}': "2.0",
        "tenure_queued_batches": "0.0",
        "tenure_queued_lifecycles": "0.0",
        "tenure_processes_alive": "1.0",
        "tenure_live_clients": "0.0",
    }
