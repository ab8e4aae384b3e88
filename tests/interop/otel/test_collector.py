"""``tenure serve --otlp`` is killed again and again: every lifecycle is exported, and at most one request twice."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.interop.otel.support import peers
from tests.server.support.batches import Program
from tests.server.support.grpc_backend import GrpcBackend, serving_grpc
from tests.server.support.otlp_backend import Backend, serving

from tenure import wire
from tenure_server.limits import EXPORT_SPANS


@pytest.fixture(params=["http", "grpc"])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    """One of each protocol."""
    async with serving_grpc(GrpcBackend()) if request.param == "grpc" else serving(Backend()) as running:
        yield running


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
            await asyncio.sleep(0.1 * part)  # each kill comes at another moment of the export
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

    line = (
        "tenure: invalid OTLP address --otlp '127.0.0.1:4318' (expected, for example, http://127.0.0.1:4318,"
        " or grpc://127.0.0.1:4317 for gRPC)\n"
    )
    assert (process.returncode, out.decode(), err.decode()) == (2, "", line)
