"""A lifecycle is the same span whether the collector or the program exports it."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider
from tests.server.support.otlp_backend import spans_of

from tenure import testing, wire
from tenure._sinks.otel.sinks import EndedSpans, emitter_for
from tenure_server.export.span_encoder import encode
from tenure_server.store.sqlite import SqliteStore

PROGRAM = """
import asyncio
from contextlib import asynccontextmanager, suppress

class OrderPool:
    async def __aenter__(self): return self
    async def __aexit__(self, *_): return None

class Refusing:
    async def __aenter__(self): raise ValueError("no")
    async def __aexit__(self, *_): return None

class Forgiving:
    async def __aenter__(self): return self
    async def __aexit__(self, *_): return True

class Breaking:
    async def __aenter__(self): return self
    async def __aexit__(self, *_): raise OSError

@asynccontextmanager
async def transaction(name):
    yield name

async def worker(lock):
    async with lock:
        await asyncio.sleep(0.001)

async def client(pool):
    async with pool:
        await asyncio.sleep(0.002)

async def main(tracer):
    lock = asyncio.Lock()
    async with OrderPool() as pool:
        with tracer.start_as_current_span("request"):
            async with transaction("a"):
                pass
        async with Forgiving():
            raise ValueError("forgiven")
        with suppress(ValueError):
            async with Refusing():
                pass
        with suppress(OSError):
            async with Breaking():
                raise LookupError("lost")
        async with asyncio.TaskGroup() as group, asyncio.Semaphore(3):
            pool = asyncio.Semaphore(2)
            for _ in range(3):
                group.create_task(worker(lock))
                group.create_task(client(pool))
        hanging = asyncio.create_task(hang())
        await asyncio.sleep(0)
        with tracer.start_as_current_span("other request"):
            async with lock:
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await asyncio.sleep(1)
        return hanging

async def hang():
    async with OrderPool():
        await asyncio.sleep(60)
"""


@pytest.fixture
def batches() -> list[wire.Batch]:
    """What a program with every outcome that there is ships, in four pieces."""
    tracer = TracerProvider().get_tracer("program")
    with testing.recorder() as recorder:
        app = recorder.load(PROGRAM)
        pieces = []

        async def main() -> None:
            task = asyncio.create_task(app.main(tracer))
            await asyncio.sleep(0)
            pieces.extend(recorder.batches())
            await asyncio.sleep(0.005)
            pieces.extend(recorder.batches())
            hanging = await task
            pieces.extend(recorder.batches())
            hanging.cancel()

        asyncio.run(main())
        return [*pieces, *recorder.batches()]


def ordered(span: Span) -> Span:
    """The span with its attributes in the order of their names: an order has no meaning in OTLP."""
    copy = Span()
    copy.CopyFrom(span)
    del copy.attributes[:]
    copy.attributes.extend(sorted(span.attributes, key=lambda attribute: attribute.key))
    return copy


def by_id(request: ExportTraceServiceRequest) -> dict[str, Span]:
    return {span.span_id.hex(): ordered(span) for span in spans_of(request)}


async def from_collector(batches: list[wire.Batch]) -> ExportTraceServiceRequest:
    store = SqliteStore(None)
    await store.follow(["backend"])
    for batch in batches:
        await store.write(batch)
    endings = await store.closed_lifecycles("backend", 1_000)
    await store.close()
    return ExportTraceServiceRequest.FromString(encode(endings))


async def test_both_ways_make_the_same_spans(batches: list[wire.Batch]) -> None:
    """Ids, parents, times, attributes, events, status, the resource and the scope."""
    ended = EndedSpans()
    emitter = emitter_for(batches[0].process, ended)
    for batch in batches:
        emitter.take(batch)
    direct = encode_spans(list(ended.spans))

    exported = await from_collector(batches)

    assert by_id(direct) == by_id(exported)
    line = next(number for number, text in enumerate(PROGRAM.splitlines(), 1) if "asyncio.timeout(0.01)" in text)
    assert {
        attribute.key: attribute.value.string_value.rpartition("/")[2]
        for span in by_id(exported).values()
        for event in span.events
        for attribute in event.attributes
        if attribute.key.startswith("tenure.canceller.") and "timeout 0.01 s" in str(event)
    } == {"tenure.canceller.via": "timeout 0.01 s", "tenure.canceller.site": f"app.py:{line}"}
    assert len(by_id(direct)) == 16
    whys = [link.attributes[0].value.string_value for span in by_id(direct).values() for link in span.links]
    assert (whys.count("waited_for"), len(whys)) == (3, 3)
    (one,), (other,) = direct.resource_spans, exported.resource_spans
    assert one.resource == other.resource
    assert one.scope_spans[0].scope == other.scope_spans[0].scope
