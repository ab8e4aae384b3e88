"""The collector's export on real peers, and what is left of it when processes are killed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.interop.otel import peers
from tests.server.backend import Backend, serving
from tests.server.batches import CANCELLED, ERROR, Program

from tenure import wire
from tenure_server.export.encoding import encode
from tenure_server.limits import EXPORT_SPANS
from tenure_server.store.sqlite import SqliteStore


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    async with serving(Backend()) as running:
        yield running


def shop() -> Program:
    """A bit of everything that a span can tell."""
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
    encoded = encode(await store.endings("backend", 1_000))
    await store.close()
    return list(ExportTraceServiceRequest.FromString(encoded).resource_spans[0].scope_spans[0].spans)


async def test_spans_pass_a_collector_of_opentelemetry_s_unchanged(backend: Backend, tmp_path: Path) -> None:
    """Through rotel: every field of every span, the resource and the scope."""
    program = shop()
    batch = program.batch()
    async with (
        peers.rotel(backend.url, tmp_path) as rotel,
        peers.serving(tmp_path / "store.sqlite", "--otlp", rotel) as collector,
    ):
        await collector.post(batch)
        await backend.until(5, seconds=20)

    expected = await spans_made(batch)
    assert {span.span_id: span for span in backend.spans} == {span.span_id: span for span in expected}
    resource = {one.key: one.value for one in backend.requests[0].resource_spans[0].resource.attributes}
    assert resource["service.name"].string_value == "shop"
    assert resource["service.instance.id"].string_value == program.hex
    assert backend.requests[0].resource_spans[0].scope_spans[0].scope.name == "tenure"


async def test_a_collector_that_is_killed_loses_nothing_and_repeats_at_most_one_request(
    backend: Backend, tmp_path: Path
) -> None:
    """Killed again and again while it takes in and exports; at the end the backend has every lifecycle."""
    program = Program()
    path = tmp_path / "store.sqlite"
    batches = []
    for _ in range(40):
        for n in range(250):
            program.use("main", "Lock stock", acquire=n, wait=0, hold=0, release=0)
        batches.append(program.batch())
    kills = 4
    for part in range(kills):
        async with peers.serving(path, "--otlp", backend.url) as collector:
            for batch in batches[part * 10 : part * 10 + 10]:
                await collector.post(batch)
            await asyncio.sleep(0.1 * part)
            await collector.kill()
    async with peers.serving(path, "--otlp", backend.url) as collector:
        await collector.exporter_when_done(30)

    process = bytes.fromhex(program.hex)
    assert set(backend.taken) == {wire.span_id(process, number) for number in range(1, 10_001)}
    repeated = backend.taken.total() - 10_000
    assert 0 <= repeated <= kills * EXPORT_SPANS


async def test_an_address_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    """One line, exit code 2."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tenure", "serve", "--port", "0", "--store", f"sqlite:///{tmp_path / 's'}"),
        *("--otlp", "127.0.0.1:4318"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()

    line = "tenure: --otlp '127.0.0.1:4318' is no OTLP/HTTP address (write http://127.0.0.1:4318, say)\n"
    assert (process.returncode, out.decode(), err.decode()) == (2, "", line)
