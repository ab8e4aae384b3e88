"""A batch of version 2 is stored as the same batch of version 1 is."""

from __future__ import annotations

import importlib
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from tests.server.support.batches import ERROR, OK, Program
from tests.server.support.collector import Collector, collecting
from tests.server.support.store_queries import everything
from tests.support.wire_forms import WITH_TRUTHS

from tenure import wire
from tenure.wire import columns_backend


@pytest.fixture(params=[importlib.import_module("tenure._probe"), None], ids=["c", "python"], autouse=True)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(columns_backend, "_native", request.param)
    return request.param


def life() -> list[wire.Batch]:
    """What is open, what closes later, failures, a status, a task that ends, and a batch out of order."""
    program = Program()
    outer = program.use("main", "Pool orders", acquire=0, wait=1)
    program.task("worker-1", parent="main", created_in=outer, created=4, finished=60, outcome=OK)
    program.use("worker-1", "Lock stock", acquire=10, wait=1, hold=5, release=1, parent=outer)
    first = program.batch(dropped={"full": 1})
    program.go_on(outer, hold=100, release=2)
    program.use(
        "main", "Lock stock", acquire=30, body=ERROR, wait=1, hold=5, release=1, body_exception=("ValueError", "x")
    )
    second = replace(program.batch(), responses=[wire.Response(0, 503)], propagated=[1])
    linked = replace(WITH_TRUTHS, sequence=1)
    return [first, second, linked, replace(linked, sequence=3), replace(second, sequence=9)]


async def stored(batches: list[wire.Batch], version: int) -> tuple[object, ...]:
    async with collecting() as collector:
        for batch in batches:
            encoded = wire.encode(batch, version)
            assert msgspec.msgpack.decode(encoded)["version"] == version
            status, answer = await collector.send(encoded)
            assert (status, answer) == (200, {"stored": len(batch.rows)})
        return await everything(collector.store)


async def test_both_versions_are_stored_alike() -> None:
    """Lifecycles, traces, resources, counts and the diagram."""
    assert await stored(life(), wire.VERSION_2) == await stored(life(), wire.VERSION)


async def test_damaged_columns_are_refused_with_column_and_row(collector: Collector) -> None:
    """400 with a problem document; the store is as it was."""
    before = await everything(collector.store)
    fields = msgspec.msgpack.decode(wire.encode(life()[0], wire.VERSION_2))
    for columns in (fields["columns"][:-1], fields["columns"] + b"\0", b"\7", b""):
        status, answer = await collector.send(msgspec.msgpack.encode(fields | {"columns": columns}))
        assert (status, answer["title"]) == (400, "Bad Request")
        assert "at `$.columns" in answer["detail"]
    assert await everything(collector.store) == before
