"""A program with every kind of lifecycle that a span can express, and its spans."""

from __future__ import annotations

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.server.support.batches import CANCELLED, ERROR, Program

from tenure import wire
from tenure_server.export.span_encoder import encode
from tenure_server.store.sqlite import SqliteStore


def shop() -> Program:
    """Every kind of lifecycle that a span can express."""
    program = Program()
    outer = program.use("main", "Pool orders", acquire=0, wait=1, hold=100, release=2)
    program.use("worker-1", "Lock stock", acquire=5, wait=0, hold=20, release=0)
    program.use(
        "main", "Lock stock", acquire=10, wait=15, hold=20, release=1, parent=outer, body=ERROR, line=41,
        body_exception=("ValueError", "out of stock: ☂"), exception=("OSError", ""), release_outcome=ERROR,
    )  # fmt: skip
    program.use(
        "main", "Lock paper", acquire=60, release=30, parent=outer, acquire_outcome=CANCELLED, release_outcome=0,
        exception=("asyncio.exceptions.CancelledError", ""),
    )  # fmt: skip
    linked = program.use("worker-1", "Lock paper", acquire=90, wait=0, hold=1, release=0, enter="request")
    program.traces[linked.root] = wire.Trace(linked.root, outer.id, b"\x01" * 16, b"\x02" * 8)
    program.use("main", "Lock tin", acquire=95, wait=1, parent=outer)
    return program


async def spans_made(batch: wire.Batch) -> list[Span]:
    """What the collector encodes."""
    store = SqliteStore(None)
    await store.follow(["backend"])
    await store.write(batch)
    encoded = encode(await store.closed_lifecycles("backend", 1_000))
    await store.close()
    return list(ExportTraceServiceRequest.FromString(encoded).resource_spans[0].scope_spans[0].spans)
