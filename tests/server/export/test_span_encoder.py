"""The encoded bytes of spans."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.server.support.batches import CANCELLED, ERROR, Program, at
from tests.server.support.collector import Clock
from tests.server.support.sdk_spans import Links, sdk_span

from tenure import wire
from tenure_server.export.span_encoder import encode
from tenure_server.export.span_mapping import VERSION
from tenure_server.model.records import ExceptionInfo, HeldAround, Lifecycle, Process, ResourceRef, Site, TaskRef
from tenure_server.store import ClosedLifecycle, ClosedLifecycles
from tenure_server.store.sqlite import SqliteStore

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBER = st.integers(1, (1 << 40) - 1)
DURATION = st.integers(0, 10**12)
EXCEPTION = st.builds(ExceptionInfo, st.sampled_from(["ValueError", "shop.OutOfStock"]), TEXT)
PROCESSES = [
    Process(bytes([n]).hex() * 16, f"shop {n}", "host-1", n, "3.11.7", at(0), at(0), alive=True, dropped={})
    for n in (1, 255)
]


@st.composite
def endings(draw: st.DrawFn) -> ClosedLifecycle:
    """Any lifecycle that can have ended, of one of two processes."""
    process = draw(st.sampled_from(PROCESSES))

    def public_id() -> str:
        return f"{process.id}-{draw(NUMBER)}"

    stamps: list[int | None] = [draw(st.integers(0, 2 * 10**18))]
    for _ in range(draw(st.integers(0, 3))):
        last = stamps[-1]
        assert last is not None
        stamps.append(last + draw(DURATION))
    reached = len(stamps)
    stamps += [None] * (4 - reached)
    abandoned = draw(st.booleans()) or reached in {2, 3}
    ended_ns = max(stamp for stamp in stamps if stamp is not None) + draw(DURATION) * abandoned
    outcome = st.sampled_from(["ok", "error", "cancelled"])
    failed = reached == 1 and not abandoned
    capacity = draw(st.none() | st.integers(0, (1 << 62) - 1))
    lifecycle = Lifecycle(
        id=public_id(),
        process=process.id,
        service=process.service,
        trace=draw(st.binary(min_size=16, max_size=16)).hex(),
        parent=draw(st.none() | st.just(public_id())),
        phase="abandoned" if abandoned else "closed",
        suppressed=draw(st.booleans()),
        task=TaskRef(public_id(), draw(TEXT)),
        resource=ResourceRef(public_id(), "shop.Lock", draw(st.sampled_from(["", "stock", "GET /orders"])), capacity),
        site=Site(draw(TEXT), draw(st.integers(0, 99_999)), draw(TEXT), draw(TEXT), draw(st.sampled_from(ENTERS))),
        acquire_ns=stamps[0] or 0,
        acquired_ns=stamps[1],
        release_ns=stamps[2],
        released_ns=ended_ns if failed else None if abandoned else stamps[3],
        acquire_outcome=draw(outcome) if failed else "ok" if reached > 1 else None,
        body_outcome=draw(outcome) if reached > 2 else None,
        release_outcome=draw(outcome) if reached > 3 and not abandoned else None,
        exception=None,
        body_exception=draw(st.none() | EXCEPTION),
        raised=draw(st.none() | EXCEPTION),
        otel_parent=draw(st.none() | st.binary(min_size=8, max_size=8).map(bytes.hex)),
        held_around=draw(st.none() | st.just(HeldAround(public_id(), draw(st.binary(min_size=16, max_size=16)).hex()))),
        status=draw(st.sampled_from([None, 200, 404, 499, 500, 599])),
    )
    return ClosedLifecycle(lifecycle, ended_ns)


ENTERS = ["__aenter__", "acquire", "request"]


@settings(deadline=None)  # time is not what it is about, and machines are busy
@given(st.lists(endings(), max_size=6, unique_by=lambda ending: ending.lifecycle.id))
def test_the_bytes_parsed_equal_what_the_sdk_encodes(items: list[ClosedLifecycle]) -> None:
    """Field by field, for whatever a lifecycle can be, several processes in one request included."""
    processes = {process.id: process for process in PROCESSES}
    links: Links = {
        ending.lifecycle.id: [(around.trace, around.lifecycle, "held_around")]
        for ending in items
        if (around := ending.lifecycle.held_around)
    }
    spans = [sdk_span(ending, processes[ending.lifecycle.process], links) for ending in items]

    encoded = encode(ClosedLifecycles(items, processes, context=[], position=0, expired=0))

    assert ExportTraceServiceRequest.FromString(encoded) == encode_spans(spans)


async def test_a_program_s_spans(clock: Clock) -> None:
    """An outer pool, a lock that was waited for, a failing body and a failed acquire, as a backend gets them."""
    store = SqliteStore(None, clock)
    await store.follow(["backend"])
    program = Program()
    outer = program.use("main", "Pool orders", acquire=0, wait=1, hold=100, release=2)
    holder = program.use("worker-1", "Lock stock", acquire=5, wait=0, hold=20, release=0)
    program.use(
        "main", "Lock stock", acquire=10, wait=15, hold=20, release=1, parent=outer, body=ERROR, line=41,
        body_exception=("ValueError", "out of stock"),
    )  # fmt: skip
    program.use(
        "main", "Lock paper", acquire=60, release=30, parent=outer, acquire_outcome=CANCELLED, release_outcome=0,
        exception=("asyncio.exceptions.CancelledError", ""),
    )  # fmt: skip
    await store.write(program.batch())
    read = await store.closed_lifecycles("backend", 100)
    await store.close()

    (process,) = read.processes.values()
    links: Links = {program.id(3): [(program.trace_id(2), program.id(holder.id), "waited_for")]}
    request = ExportTraceServiceRequest.FromString(encode(read))

    assert request == encode_spans([sdk_span(ending, process, links) for ending in read.items])
    spans = list(request.resource_spans[0].scope_spans[0].spans)
    failing, cancelled = spans[2], spans[3]
    assert [span.name for span in spans] == ["Pool orders", "Lock stock", "Lock stock", "Lock paper"]
    assert failing.trace_id.hex() == program.trace_id(1)
    assert failing.parent_span_id == spans[0].span_id == bytes.fromhex(wire.span_id(bytes.fromhex(program.hex), 1))
    assert [(link.trace_id.hex(), link.span_id) for link in failing.links] == [(program.trace_id(2), spans[1].span_id)]
    assert (failing.start_time_unix_nano, failing.end_time_unix_nano) == (at(10), at(46))
    assert [(event.name, event.time_unix_nano) for event in failing.events] == [
        ("acquired", at(25)), ("releasing", at(45)), ("exception", at(45)),
    ]  # fmt: skip
    assert (failing.status.code, failing.status.message) == (2, "ValueError: out of stock")
    assert {attribute.key: attribute.value.string_value or attribute.value.double_value or attribute.value.int_value
            for attribute in failing.attributes} == {
        "tenure.wait_time": 0.015, "tenure.hold_time": 0.02, "tenure.release_time": 0.001,
        "tenure.resource.id": program.id(2), "tenure.resource.kind": "shop.Lock", "tenure.resource.name": "stock",
        "tenure.resource.capacity": 1, "tenure.resource.stereotype": "control",
            "code.function.name": "main", "code.file.path": "shop.py",
        "code.line.number": 41, "tenure.site.expression": "stock", "tenure.task.id": program.id(1),
        "tenure.task.name": "main", "tenure.phase": "closed", "tenure.acquire.outcome": "ok",
        "tenure.body.outcome": "error", "tenure.release.outcome": "ok", "error.type": "ValueError",
    }  # fmt: skip
    assert (cancelled.status.code, [event.name for event in cancelled.events]) == (0, ["exception"])
    assert (cancelled.start_time_unix_nano, cancelled.end_time_unix_nano) == (at(60), at(90))
    resource = request.resource_spans[0].resource.attributes
    assert {attribute.key: attribute.value.string_value or attribute.value.int_value for attribute in resource} == {
        "service.name": "shop", "service.instance.id": program.hex, "host.name": "host-1", "process.pid": 4001,
        "process.runtime.name": "cpython", "process.runtime.version": "3.11.7", "telemetry.sdk.name": "tenure",
        "telemetry.sdk.language": "python", "telemetry.sdk.version": VERSION,
    }  # fmt: skip
