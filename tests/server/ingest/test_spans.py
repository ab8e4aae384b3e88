"""Spans of other services by OTLP/HTTP, in any order and repeated."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from tests.server.support.batches import at
from tests.server.support.collector import Clock, Collector, collecting
from tests.server.support.spans import (
    CLIENT,
    JSON,
    PROTOBUF,
    SERVER,
    TRACE,
    encoded,
    give,
    group,
    post,
    request,
    span,
)
from tests.server.support.store_queries import everything

from tenure_server.store.sqlite import SqliteStore

BOTH = pytest.mark.parametrize("content_type", [PROTOBUF, JSON])


def shop() -> list[ResourceSpans]:
    """A request of one service that calls another; spans in the order in which they end."""
    return [
        group(
            "payment",
            span(12, "INSERT payments", begin=22, end=26, kind=CLIENT, parent=11, db_system_name="postgresql",
                 db_namespace="payments"),
            span(13, "ship", begin=26, end=27, parent=11, error=("shop.OutOfStock", "none left")),
            span(11, "POST /charge", begin=21, end=28, kind=SERVER, parent=3, http_route="/charge"),
        ),
        group(
            "shop",
            span(2, "shop.price", begin=11, end=13, parent=1, code_function_name="price", code_file_path="shop.py",
                 code_line_number=41),
            span(3, "POST", begin=20, end=30, kind=CLIENT, parent=1, http_request_method="POST",
                 server_address="payment", server_port=8080),
            span(1, "GET /orders", begin=10, end=40, kind=SERVER),
        ),
    ]  # fmt: skip


DIAGRAM = """\
---
title: "shop, payment, 2023-11-14 22:13:20 UTC"
---
sequenceDiagram
    participant p1 as shop
    participant p2 as Request GET /orders @ shop
    participant p3 as price @ shop
    participant p4 as http payment#58;8080 @ shop
    p1->>+p2: request()
    p1->>+p3: shop.price()
    p3-->>-p1: done after 2 ms
    p1->>+p4: POST()
    create participant p5 as payment
    p4-)p5: request
    participant p6 as Request POST /charge @ payment
    participant p7 as postgresql payments @ payment
    participant p8 as ship @ payment
    p5->>+p6: request()
    p5->>+p7: INSERT payments()
    p7-->>-p5: done after 4 ms
    p5->>+p8: ship()
    p8--xp5: OutOfStock#58; none left after 1 ms
    deactivate p8
    p6-->>-p5: done after 7 ms
    destroy p5
    p5--)p4: done after 7 ms
    p4-->>-p1: done after 10 ms
    p2-->>-p1: done after 30 ms
"""


@BOTH
async def test_a_trace_over_two_services_is_one_diagram(collector: Collector, content_type: str) -> None:
    """The called service's task is created by the call; the trace has the name of its first request."""
    await give(collector, *shop(), content_type=content_type)

    (trace,) = (await collector.answer("/api/traces"))["items"]
    assert trace == {
        "id": TRACE.hex(), "name": "GET /orders", "services": ["payment", "shop"], "start_ns": at(10), "end_ns": at(40),
        "lifecycles": 6, "open": 0, "errors": 1, "status": None,
    }  # fmt: skip
    assert await collector.answer(f"/api/diagram?format=mermaid&trace={TRACE.hex()}") == DIAGRAM


async def test_a_span_is_not_drawn_before_its_parent_whatever_their_clock_says(collector: Collector) -> None:
    """JavaScript's root spans begin at whole milliseconds, and what is in them may seem to begin before them."""
    early = [
        group(
            "payment",
            span(12, "INSERT payments", begin=20, end=24, kind=CLIENT, parent=11, db_system_name="postgresql",
                 db_namespace="payments"),
            span(13, "ship", begin=26, end=27, parent=11, error=("shop.OutOfStock", "none left")),
            span(11, "POST /charge", begin=21, end=28, kind=SERVER, parent=3, http_route="/charge"),
        ),
        shop()[1],
    ]  # fmt: skip
    await give(collector, *early)

    assert await collector.answer(f"/api/diagram?format=mermaid&trace={TRACE.hex()}") == DIAGRAM


@BOTH
async def test_a_span_is_a_closed_lifecycle(collector: Collector, content_type: str) -> None:
    """Held from its start to its end, by the service's part in the trace; every member of it."""
    await give(collector, *shop(), content_type=content_type)

    found = {item["resource"]["name"]: item for item in (await collector.answer("/api/lifecycles"))["items"]}
    payment = found["POST /charge"]
    process = payment["process"]
    assert found["payments"] == {
        "id": found["payments"]["id"], "process": process, "service": "payment", "trace": TRACE.hex(),
        "parent": payment["id"], "phase": "closed", "suppressed": False,
        "task": {"id": payment["task"]["id"], "name": "payment"},
        "resource": {
            "id": found["payments"]["resource"]["id"], "kind": "postgresql", "name": "payments", "capacity": None,
            "stereotype": "database",
        },
        "site": {"file": "", "line": 0, "function": "", "expression": "", "enter": "INSERT payments", "exit": ""},
        "acquire_ns": at(22), "acquired_ns": at(22), "release_ns": at(26), "released_ns": at(26),
        "acquire_outcome": "ok", "body_outcome": "ok", "release_outcome": "ok",
        "exception": None, "body_exception": None, "raised": None, "otel_parent": None, "held_around": None,
        "status": None, "internal": False, "propagated": False, "released_by": None, "loop": None, "thread": None,
    }  # fmt: skip
    failed = next(item for item in (await collector.answer("/api/lifecycles?outcome=error"))["items"])
    assert (failed["resource"]["kind"], failed["body_exception"]) == (
        "ship", {"type": "shop.OutOfStock", "message": "none left", "canceller": None},
    )  # fmt: skip
    assert payment["parent"] == found["payment:8080"]["id"]


async def test_both_forms_and_any_order_store_the_same(clock: Clock) -> None:
    """Protobuf or JSON; whole, or span by span with children first, parents first or by chance, some of them twice."""
    spans = [(sent, service) for service, many in zip(("payment", "shop"), shop(), strict=True)
             for sent in many.scope_spans[0].spans]  # fmt: skip
    answers = []
    for seed in range(6):
        order = list(spans) * 2
        Random(seed).shuffle(order)
        async with collecting(clock=clock) as collector:
            for sent, service in order if seed else ():
                await give(collector, group(service, sent), content_type=(PROTOBUF, JSON)[seed % 2])
            if not seed:
                await give(collector, *shop())
            listed = (await collector.answer("/api/lifecycles"))["items"]
            listed.sort(key=lambda item: item["id"])
            assert len({item["task"].pop("id") for item in listed}) == 2  # made from what came first
            diagram = await collector.answer(f"/api/diagram?format=mermaid&trace={TRACE.hex()}")
            (trace,) = (await collector.answer("/api/traces"))["items"]
            answers.append((listed, diagram, sorted(trace.pop("services")), trace))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][1] == DIAGRAM


async def test_spans_that_come_again_change_nothing(collector: Collector) -> None:
    """After a lost answer the sender sends them again."""
    await give(collector, *shop())
    before = await everything(collector.store)
    await give(collector, *shop())
    assert await everything(collector.store) == before


async def test_a_task_goes_on_after_the_collector_was_restarted(tmp_path: Path, clock: Clock) -> None:
    """By its trace, its process and its name: a thread may be called as the service is."""
    store = SqliteStore(tmp_path / "store.sqlite", clock)
    async with collecting(store=store, clock=clock) as collector:
        await give(collector, group("shop", span(2, "work", begin=3, end=4), span(3, "more", begin=3, end=5,
                                                                                 thread_name="shop")))  # fmt: skip
        await give(collector, group("payment", span(4, "other", begin=3, end=4)))
    async with collecting(store=SqliteStore(tmp_path / "store.sqlite", clock), clock=clock) as collector:
        await give(collector, group("shop", span(5, "late", begin=1, end=2), span(6, "thread", begin=6, end=8,
                                                                                 thread_name="shop")))  # fmt: skip
        await give(collector, group("payment", span(7, "last", begin=5, end=7)))
        found = (await collector.answer("/api/lifecycles"))["items"]
        tasks = {item["site"]["enter"]: item["task"]["id"] for item in found}
        assert tasks["work"] == tasks["late"]
        assert tasks["more"] == tasks["thread"]
        assert tasks["other"] == tasks["last"]
        assert len(set(tasks.values())) == 3


async def test_the_same_instance_is_the_same_process(collector: Collector) -> None:
    """By its instance id, whatever else is told of it; without one, by where it runs."""
    instance = {"service_instance_id": "627cc493-f310-47de-96bd-71410b7dec09"}
    facts: list[dict[str, Any]] = [
        instance, instance | {"host_name": "a"},
        {"host_name": "a"}, {"host_name": "b"}, {"host_name": "b", "process_pid": 7},
    ]  # fmt: skip
    for n, attributes in enumerate(facts):
        await give(collector, group("shop", span(n + 1, "x", begin=n, end=n + 1), **attributes))
    processes = (await collector.answer("/api/processes"))["items"]
    assert [(item["host"], item["pid"], item["python"]) for item in processes] == [
        ("b", 7, ""), ("b", 0, ""), ("a", 0, ""), ("", 0, ""),
    ]  # fmt: skip


async def test_many_that_begin_at_once_all_find_room(tmp_path: Path, clock: Clock) -> None:
    """Clocks of milliseconds, or a load test: numbers are made from starts, and no two lifecycles share one."""
    store = SqliteStore(tmp_path / "store.sqlite", clock)
    async with collecting(store=store, clock=clock) as collector:
        for part in range(3):
            spans = [span(part * 2_000 + n + 1, "x", begin=5, end=6) for n in range(2_000)]
            await give(collector, group("shop", *spans))
            await give(collector, group("shop", *spans[::7]))
        (trace,) = (await collector.answer("/api/traces"))["items"]
        assert trace["lifecycles"] == 6_000
        assert len((await collector.answer("/api/lifecycles?limit=10000"))["items"]) == 6_000


@BOTH
async def test_spans_that_are_none_are_named_and_the_others_stored(collector: Collector, content_type: str) -> None:
    """Partial success: how many, and what is wrong with them."""
    spans = [span(n, "x", begin=5, end=6) for n in range(1, 9)]
    spans[0].trace_id = b"short"
    spans[1].trace_id = bytes(16)
    spans[2].span_id = b"\1" * 9
    spans[3].parent_span_id = b"\1"
    spans[4].end_time_unix_nano = at(4)
    spans[5].start_time_unix_nano = 0
    spans[6].start_time_unix_nano = (1 << 64) - 1
    status, kind, body = await post(collector, encoded(request(group("shop", *spans)), content_type), content_type)

    assert (status, kind) == (200, content_type)
    why = (
        "2 with no trace id of 16 bytes; 2 with no start time; 1 with no span id of 8 bytes; 1 with a"
        " parent id that is not 8 bytes long; 1 with an end before the start"
    )
    if content_type == PROTOBUF:
        partial = ExportTraceServiceResponse.FromString(body).partial_success
        assert (partial.rejected_spans, partial.error_message) == (7, why)
    else:
        assert json.loads(body) == {"partialSuccess": {"rejectedSpans": "7", "errorMessage": why}}
    assert len((await collector.answer("/api/lifecycles"))["items"]) == 1


async def test_the_retention_takes_spans_too(clock: Clock) -> None:
    """With their ids, so that a span that comes again after that is a new one."""
    store = SqliteStore(None, clock)
    async with collecting(store=store, clock=clock) as collector:
        await give(collector, *shop())
        clock.now_ns += 10**12
        assert await store.retain(10**11, None) == 6
        assert (await everything(store))[1:4] == ([], [], [])
        for table in ("lifecycles", "span_processes", "traces", "otel_traces", "otel_trace_processes", "tasks"):
            assert store._connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
        await give(collector, *shop())
        assert await collector.answer(f"/api/diagram?format=mermaid&trace={TRACE.hex()}") == DIAGRAM


async def test_a_live_picture_of_a_trace_moves_with_its_spans(collector: Collector) -> None:
    """The hub is told of spans as of batches."""
    mailbox = collector.feed._hub.subscribe(10)
    await give(collector, *shop())
    batches, missed = await mailbox.take()
    assert (len(batches), missed) == (2, 0)
    assert {trace.otel_trace_id for batch in batches for trace in batch.traces} == {TRACE}
    assert all(task.finished_ns is None for batch in batches for task in batch.tasks)
