"""Spans that a program or a collector of Tenure exported are drawn as the original lifecycles."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.server.support.batches import CANCELLED, ERROR, Program
from tests.server.support.collector import Clock, Collector, collecting
from tests.server.support.spans import JSON, PROTOBUF, encoded, post, request
from tests.server.support.store_queries import everything

from tenure_server.export.span_encoder import encode

DIAGRAM = "/api/diagram?format=mermaid"


def a_program() -> Program:
    """Waits for one another, failures in every phase, a cancellation, nesting, releases by other tasks."""
    program = Program()
    program.resource("Pool orders", capacity=2, stereotype="database")
    for name in ("a", "b", "c"):
        program.task(name, loop=1, thread="MainThread")
    program.task("d")
    outer = program.use("a", "Pool orders", acquire=0, wait=0, hold=90, release=1)
    program.use("b", "Pool orders", acquire=1, wait=0, hold=40, release=2)
    program.use("c", "Pool orders", acquire=2, wait=41, hold=10, release=0.5)
    program.use("a", "Lock stock", acquire=3, wait=0, hold=5, release=0, parent=outer, body=ERROR,
                body_exception=("ValueError", "no such order"))  # fmt: skip
    program.use("a", "Lock paper", acquire=40, release=30, parent=outer, acquire_outcome=CANCELLED, release_outcome=0)
    program.use("b", "Session bank", acquire=60, release=3, acquire_outcome=ERROR, release_outcome=0,
                exception=("OSError", "refused"))  # fmt: skip
    program.use("b", "Session bank", acquire=70, wait=1, hold=2, release=3, release_outcome=ERROR,
                exception=("OSError", "reset"))  # fmt: skip
    for start, task in ((80, "a"), (84, "d")):
        use = program.use("b", "Lock paper", acquire=start, wait=0, hold=2, release=0, enter="acquire")
        use.released_by = task
    for start, status in ((100, 200), (110, 404), (120, 503)):
        program.use(
            "a", "Request GET /orders/{n}", acquire=start, wait=0, hold=5, release=0, enter="request"
        ).status = status
    return program


async def exported(collector: Collector, program: Program) -> ExportTraceServiceRequest:
    store = collector.store
    await store.follow(["backend"])
    await collector.post(program.batch())
    request = ExportTraceServiceRequest()
    request.ParseFromString(encode(await store.closed_lifecycles("backend", 100)))
    return request


def _comparable(lifecycle: dict[str, Any]) -> dict[str, Any]:
    """A lifecycle without its ids, which are new in each collector."""
    comparable = {**lifecycle, "id": "", "process": "", "parent": bool(lifecycle["parent"])}
    comparable["task"] = comparable["task"]["name"]
    comparable["released_by"] = comparable["released_by"] and comparable["released_by"]["name"]
    comparable["resource"] = {**comparable["resource"], "id": ""}
    return comparable


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
async def test_what_a_collector_exported_another_draws_the_same(clock: Clock, content_type: str) -> None:
    """Waits with whom they were for, phases, outcomes, names, places: the very same text."""
    async with collecting(clock=clock) as first, collecting(clock=clock) as second:
        request = await exported(first, a_program())
        status, _, answer = await post(second, encoded(request, content_type), content_type)
        assert (status, answer) == (200, b"" if content_type == PROTOBUF else b"{}")
        drawn = await first.answer(DIAGRAM)
        assert await second.answer(DIAGRAM) == drawn
        assert "waits for a (shop.py#58;10) and 1 more 41 ms" in drawn.replace("<br/>", " ")
        assert "--xp" in drawn.partition(": 404")[2].partition(": 503")[0]
        before, after = [
            sorted(
                map(_comparable, (await collector.answer("/api/lifecycles"))["items"]),
                key=lambda item: item["acquire_ns"],
            )
            for collector in (first, second)
        ]
        assert after == before
        waits, again = [
            {
                item["name"]: (item["capacity"], item["total"], item["wait_ms"], item["hold_ms"])
                for item in listing["items"]
            }
            for listing in [await collector.answer("/api/resources") for collector in (first, second)]
        ]
        assert again == waits


def _set(span: Span, key: str, value: str | float) -> None:
    """Another value of an attribute, or of one that it had not."""
    attribute = next((attribute for attribute in span.attributes if attribute.key == key), None) or span.attributes.add(
        key=key
    )
    if isinstance(value, str):
        attribute.value.string_value = value
    elif isinstance(value, int):
        attribute.value.int_value = value
    else:
        attribute.value.double_value = value


HELD_THROUGHOUT = ("closed", 0.0, 15.0)


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("tenure.wait_time", 0.001, ("closed", 1.0, 10.0)),
        ("tenure.wait_time", 1e300, HELD_THROUGHOUT),
        ("tenure.wait_time", float("inf"), HELD_THROUGHOUT),
        ("tenure.hold_time", float("nan"), HELD_THROUGHOUT),
        ("tenure.hold_time", 0.0141, HELD_THROUGHOUT),  # more than the span lasted, with the wait
        ("tenure.wait_time", -1.0, HELD_THROUGHOUT),
        ("tenure.wait_time", "long", HELD_THROUGHOUT),
        ("tenure.resource.capacity", -1, ("closed", 1.0, 10.0)),
        ("tenure.resource.capacity", 1 << 62, ("closed", 1.0, 10.0)),
        ("tenure.resource.id", "lock", HELD_THROUGHOUT),
        ("tenure.task.id", "0" * 32 + "-99999999999999", HELD_THROUGHOUT),
        ("tenure.phase", "abandoned", HELD_THROUGHOUT),
        ("tenure.acquire.outcome", "perhaps", ("closed", 1.0, 10.0)),
    ],
)
async def test_what_is_not_told_soundly_is_a_span_like_any_other(
    clock: Clock, content_type: str, key: str, value: str | float, told: tuple[str, float, float]
) -> None:
    """Held from its start to its end; a bound that is none is left out by itself."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1, hold=10, release=4)
    async with collecting(clock=clock) as first, collecting(clock=clock) as second:
        groups = await exported(first, program)
        _set(groups.resource_spans[0].scope_spans[0].spans[0], key, value)
        status, _, answer = await post(second, encoded(request(*groups.resource_spans), content_type), content_type)
        assert status == 200, answer
        (lifecycle,) = (await second.answer("/api/lifecycles"))["items"]
    wait_ms = (lifecycle["acquired_ns"] - lifecycle["acquire_ns"]) / 1e6
    assert (lifecycle["phase"], wait_ms, (lifecycle["release_ns"] - lifecycle["acquired_ns"]) / 1e6) == told


async def test_tracers_behind_one_resource_keep_their_locks_apart(clock: Clock) -> None:
    """Workers whose provider tells of a service and of nothing else: what is the first lock to both is two."""
    async with collecting(clock=clock) as second:
        for number in (1, 2):
            program = Program(number)
            program.use(f"worker-{number}", f"Lock of-{number}", acquire=number, wait=1, hold=10, release=4)
            async with collecting(clock=clock) as first:
                groups = await exported(first, program)
            resource = groups.resource_spans[0].resource
            del resource.attributes[:]
            resource.attributes.add(key="service.name").value.string_value = "shop"
            await post(second, encoded(request(*groups.resource_spans), PROTOBUF), PROTOBUF)
        lifecycles = (await second.answer("/api/lifecycles"))["items"]
        (_,) = (await second.answer("/api/processes"))["items"]
    assert [(item["task"]["name"], item["resource"]["name"]) for item in lifecycles] == [
        ("worker-2", "of-2"),
        ("worker-1", "of-1"),
    ]


async def test_what_the_tracer_ships_as_well_is_stored_once(clock: Clock) -> None:
    """Also where a provider of the program's own tells of no instance: each span tells of its tracer."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1, hold=10, release=4)
    async with collecting(clock=clock) as collector:
        groups = await exported(collector, program)
        before = await everything(collector.store)
        del groups.resource_spans[0].resource.attributes[:]
        status, _, _ = await post(collector, encoded(request(*groups.resource_spans), PROTOBUF), PROTOBUF)
        after = await everything(collector.store)
    assert (status, after[1:]) == (200, before[1:])
