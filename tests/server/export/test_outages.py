"""Backends that are away or silent, crashes, and stores that fail: nothing is lost, and nothing else is delayed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.server.support.batches import Program
from tests.server.support.collector import Clock
from tests.server.support.exporters import GONE, QUICK, ended, exporting, status_when
from tests.server.support.grpc_backend import GrpcBackend, serving_grpc
from tests.server.support.otlp_backend import Backend, serving
from tests.support.waiting import until

from tenure import wire
from tenure_server.errors import StoreFailed
from tenure_server.export.sender import sender_to
from tenure_server.export.span_encoder import encode
from tenure_server.export.targets import Target
from tenure_server.store import ClosedLifecycles, Store
from tenure_server.store.sqlite import SqliteStore


@pytest.fixture(params=["http", "grpc"])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    """One of each protocol, that takes everything."""
    async with listening(GrpcBackend() if request.param == "grpc" else Backend()) as running:
        yield running


def listening(backend: Backend, port: int = 0) -> AbstractAsyncContextManager[Backend]:
    """The backend, (again) at a port."""
    return serving_grpc(backend, port) if isinstance(backend, GrpcBackend) else serving(backend, port)


@pytest.mark.parametrize("kind", [Backend, GrpcBackend])
async def test_a_backend_that_is_down_at_the_start_gets_everything_when_it_comes(
    store: Store, clock: Clock, kind: type[Backend]
) -> None:
    """Meanwhile the exporter is retrying, and its lag grows."""
    backend = kind()
    async with listening(backend):
        port = int(backend.url.rpartition(":")[2])
    async with exporting(store, clock, backend.url) as exporters:
        program = Program()
        for _ in range(5):
            ended(program, 10)
            await store.write(program.batch())
        clock.set(3_000)
        down = await status_when(exporters, lambda status: status.retries >= 2)
        async with listening(backend, port):
            await backend.until(50)
            up = await status_when(exporters, lambda status: status.waiting == 0)

    assert (down.state, down.waiting, down.lag_s, down.exported, down.last_export_ns) == ("retrying", 50, 2.0, 0, None)
    assert down.last_error is not None
    assert "Connect" in down.last_error or "refused" in down.last_error
    assert (up.state, up.exported, up.lag_s) == ("ok", 50, 0.0)
    assert set(backend.taken.values()) == {1}


@pytest.mark.parametrize("kind", [Backend, GrpcBackend])
async def test_a_backend_that_dies_again_and_again_gets_everything(
    store: Store, clock: Clock, kind: type[Backend]
) -> None:
    """With a request in hand each time, which comes again."""
    program, backend, deaths = Program(), kind(), 3
    async with listening(backend):
        port = int(backend.url.rpartition(":")[2])
    async with exporting(store, clock, backend.url, batching=replace(QUICK, spans=10)) as exporters:
        for _ in range(20):
            ended(program, 10)
            await store.write(program.batch())
        backend.answers = [0, 0, 0, "never"] * deaths
        for death in range(1, deaths + 1):
            async with listening(backend, port):
                await until(lambda requests=4 * death: len(backend.requests) >= requests)
        async with listening(backend, port):
            status = await status_when(exporters, lambda status: status.waiting == 0)

    assert (status.state, status.exported, status.rejected, status.refused) == ("ok", 200, 0, 0)
    assert status.retries >= deaths
    process = bytes.fromhex(program.hex)
    assert backend.taken == {wire.span_id(process, number): 1 for number in range(1, 201)}


async def test_only_what_was_not_acknowledged_is_repeated_after_a_crash(
    tmp_path: Path, clock: Clock, backend: Backend
) -> None:
    """The collector is killed after the backend took a request and before that was noted: it comes again, once."""
    path = tmp_path / "store.sqlite"
    program = Program()
    store = SqliteStore(path, clock)
    async with exporting(store, clock, backend.url):
        ended(program, 20)
        await store.write(program.batch())
        await backend.until(20)
    ended(program, 7)
    await store.write(program.batch())
    sender = sender_to(Target.parse(backend.url))
    answer = await sender.send(encode(await store.closed_lifecycles(Target.parse(backend.url).name, 100)))
    await sender.close()
    await store.close()

    store = SqliteStore(path, clock)
    async with exporting(store, clock, backend.url) as exporters:
        ended(program, 3)
        await store.write(program.batch())
        await status_when(exporters, lambda status: status.exported == 10)
    await store.close()

    assert answer == (0, "")
    assert sorted(backend.taken.values()) == [1] * 23 + [2] * 7


async def test_a_black_hole_holds_up_nobody_else(store: Store, clock: Clock, backend: Backend) -> None:
    """A backend that never answers: the request times out and comes again; the store and other backends go on."""
    backend.answers = ["never"]
    program = Program()
    batching = replace(QUICK, timeout_s=1.0)
    async with (
        serving(Backend()) as other,
        exporting(store, clock, backend.url, other.url, batching=batching) as exporters,
    ):
        ended(program, 4)
        await store.write(program.batch())
        await other.until(4)
        assert backend.taken.total() == 0
        await backend.until(4)
        status = await status_when(exporters, lambda status: status.waiting == 0)

    assert (status.exported, status.retries, status.last_error) == (4, 1, "no answer within 1 s")
    assert backend.requests[0] == backend.requests[1]


async def test_a_collector_that_ends_sends_what_it_has(store: Store, clock: Clock, backend: Backend) -> None:
    """And does not wait for a backend that is gone."""
    program = Program()
    async with exporting(store, clock, backend.url, GONE):
        ended(program, 5)
        await store.write(program.batch())

    assert backend.taken.total() == 5
    assert store.backlog(f"{GONE}/v1/traces").lifecycles == 5


class Failing(SqliteStore):
    """A store in memory whose readings for followers fail as often as it is told."""

    def __init__(self, clock: Clock, errors: list[Exception]) -> None:
        super().__init__(None, clock)
        self.errors = errors

    async def closed_lifecycles(self, follower: str, limit: int) -> ClosedLifecycles:
        if self.errors:
            raise self.errors.pop()
        return await super().closed_lifecycles(follower, limit)


@pytest.mark.parametrize("error", [StoreFailed("disk I/O error"), LookupError("a fault in Tenure")])
async def test_an_exporter_outlives_a_store_that_fails_and_faults_of_its_own(
    clock: Clock, backend: Backend, error: Exception
) -> None:
    """It says what was wrong and goes on."""
    store = Failing(clock, [error])
    async with exporting(store, clock, backend.url) as exporters:
        program = Program()
        ended(program, 4)
        await store.write(program.batch())
        await backend.until(4)
        status = await status_when(exporters, lambda status: status.waiting == 0 and status.state == "ok")
    await store.close()

    assert (status.exported, status.retries) == (4, 1)
    assert str(error) in str(status.last_error)
