"""What the collector's tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.server.support.collector import Clock, Collector, collecting
from tests.server.support.otlp_backend import Backend, serving
from tests.server.support.serve_process import FileStore

from tenure_server.store import Store
from tenure_server.store.sqlite import SqliteStore


@pytest.fixture
def clock() -> Clock:
    """One second after the programs of the tests began."""
    return Clock(1_000)


@pytest.fixture(params=["file", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    """Every backend there is, empty."""
    store = SqliteStore(tmp_path / "store.sqlite" if request.param == "file" else None, clock)
    yield store
    await store.close()


@pytest.fixture
async def file_store(tmp_path: Path, clock: Clock) -> AsyncIterator[FileStore]:
    """One that another process can read."""
    store = FileStore(tmp_path / "store.sqlite", clock)
    yield store
    await store.close()


@pytest.fixture
async def collector(clock: Clock) -> AsyncIterator[Collector]:
    """A running collector with an empty store."""
    async with collecting(clock=clock) as running:
        yield running


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    """An OpenTelemetry backend that takes everything."""
    async with serving(Backend()) as running:
        yield running
