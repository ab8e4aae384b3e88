"""A background task that fails is logged once with its traceback and started again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.server.support.batches import Program
from tests.server.support.collector import Clock, Collector, collecting
from tests.server.support.live_client import watching
from tests.server.support.otlp_backend import Backend
from tests.support.waiting import until

from tenure_server import app
from tenure_server.background import supervisor
from tenure_server.background.supervisor import supervise
from tenure_server.errors import StoreFailed
from tenure_server.export.exporters import Exporters
from tenure_server.export.targets import Target
from tenure_server.hub import Hub
from tenure_server.live import live_diagram, messages, overview
from tenure_server.metrics.snapshot import Snapshot, Snapshots
from tenure_server.settings import Settings
from tenure_server.store.sqlite import SqliteStore


class Fault(Exception):
    """What no code expects."""


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "RESTART_S", 0.01)


def failing_once(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which fails at its first call."""
    is_first = True

    def call(*arguments: Any, **named: Any) -> Any:
        nonlocal is_first
        if is_first:
            is_first = False
            raise Fault("injected")
        return function(*arguments, **named)

    return call


def failures(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines with a traceback."""
    return [record.getMessage() for record in caplog.records if record.exc_info]


async def test_a_live_diagram_that_fails_serves_its_clients_again(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The client that watched goes on as if nothing had been, by operations."""
    program = Program()
    async with watching(collector) as client:
        await client.subscribe()
        await client.receive()
        monkeypatch.setattr(live_diagram, "affects", failing_once(live_diagram.affects))
        program.use("main", "Lock stock", acquire=0, wait=1)
        await collector.post(program.batch())
        assert isinstance(await client.receive(), messages.Operations)
        program.use("main", "Lock stock", acquire=5, wait=1)
        await collector.post(program.batch())
        await client.until(collector)
    assert failures(caplog) == ["a live diagram failed; it restarts in 0.01 s"]


async def test_a_live_overview_that_fails_is_sent_again(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that comes while it lies dead gets its overview as soon as it is back."""
    monkeypatch.setattr(overview, "read_overview", failing_once(overview.read_overview))
    async with watching(collector) as client:
        assert (await client.overview()).processes == []
        await collector.post(Program().batch())
        while not (await client.overview()).processes:
            pass
    assert failures(caplog) == ["the live overview failed; it restarts in 0.01 s"]


async def test_retention_that_fails_is_enforced_again(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not end with the first exception that is none of the store's."""
    store, enforced = SqliteStore(None, clock), asyncio.Event()

    async def retain(*_: object) -> int:
        enforced.set()
        return 0

    monkeypatch.setattr(store, "retain", failing_once(retain))
    async with collecting(store=store, clock=clock), asyncio.timeout(10):
        await enforced.wait()
    assert failures(caplog) == ["retention failed; it restarts in 0.01 s"]


async def test_the_listeners_of_exporters_are_started_again(
    store: SqliteStore, backend: Backend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What tells exporters of new batches, and what looks for dead processes."""
    hub, woken, looked = Hub(), asyncio.Event(), asyncio.Event()

    async def abandon() -> int:
        looked.set()
        return 0

    exporters = Exporters(store, hub, [Target.parse(backend.url)], store._clock)
    monkeypatch.setattr(store, "abandon", failing_once(abandon))
    monkeypatch.setattr(exporters._followers, "wake", failing_once(woken.set))
    await exporters.start()
    try:

        def is_woken() -> bool:
            hub.publish(Program().batch())
            return woken.is_set()

        await until(is_woken)
        async with asyncio.timeout(10):
            await looked.wait()
    finally:
        await exporters.stop()
    assert sorted(failures(caplog)) == [
        "the listener of the exporters failed; it restarts in 0.01 s",
        "the search for abandoned lifecycles failed; it restarts in 0.01 s",
    ]


async def test_a_fault_that_repeats_is_told_with_its_traceback_once(caplog: pytest.LogCaptureFixture) -> None:
    """Each further time it takes one line, and the pause grows."""
    done = asyncio.Event()
    calls = 0

    async def run() -> None:
        nonlocal calls
        calls += 1
        if calls <= 4:
            raise Fault("injected")
        done.set()

    task = supervise("the thing", run)
    async with asyncio.timeout(10):
        await done.wait()
    await task
    assert failures(caplog) == ["the thing failed; it restarts in 0.01 s"]
    lines = [record.getMessage() for record in caplog.records if not record.exc_info]
    assert [line.rpartition(" restarts in ")[2] for line in lines] == ["0.02 s", "0.04 s", "0.08 s"]
    assert all("Fault at " in line for line in lines)


async def test_only_who_is_asked_to_end_ends(caplog: pytest.LogCaptureFixture) -> None:
    """A cancellation that comes out of something awaited is a failure; one of the task itself is obeyed, in silence."""
    started = asyncio.Event()

    async def run() -> None:
        if not caplog.records:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.cancel()
            await future
        started.set()
        await asyncio.Event().wait()

    task = supervise("the thing", run)
    async with asyncio.timeout(10):
        await started.wait()
    assert len(failures(caplog)) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(caplog.records) == 1


async def test_a_page_that_cannot_be_sent_to_is_closed(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It would wait for ever on a connection that looks alive; so it comes back by itself."""
    monkeypatch.setattr(collector.feed, "catch_up", failing_once(collector.feed.catch_up))
    async with watching(collector) as client:
        await client.overview()
        (connected,) = collector.feed._clients
        connected.mailbox.missed = 1
        connected.mailbox._ready.set()
        with pytest.raises((TypeError, ConnectionError)):  # receive_str of what is no text but the close
            await client.receive()
    assert failures(caplog) == ["a live page could not be updated; its connection is closed"]


async def test_a_message_that_the_collector_fails_at_is_answered_and_logged(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection goes on, and no HTTP answer is written into it."""
    monkeypatch.setattr(collector.feed, "subscribe", failing_once(collector.feed.subscribe))
    async with watching(collector) as client:
        await client.subscribe()
        problem = await client.receive()
        assert isinstance(problem, messages.Problem)
        assert problem.detail == "the collector failed to handle this message (its log gives the reason)"
        await client.subscribe()
        assert isinstance(await client.receive(), messages.Page)
    assert failures(caplog) == ["a message of a live page could not be handled"]


async def test_metrics_that_cannot_be_gathered_end_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    """The thread that pushes them gets none this time, and the fault is logged."""

    async def gather() -> Snapshot:
        raise Fault("injected")

    snapshots = Snapshots(gather)
    assert await asyncio.to_thread(snapshots.now) is None
    assert failures(caplog) == ["metrics could not be read"]


async def test_a_retention_that_goes_on_failing_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As on a full disk; a failure of another kind, and one after a success, are told again."""
    monkeypatch.setattr(app, "RETENTION_INTERVAL_S", 0)
    outcomes = ["full", "full", "full", "read-only", "", "read-only", "read-only"]

    class Failing:
        async def retain(self, *_: object) -> int:
            if not outcomes:
                raise Fault
            if why := outcomes.pop(0):
                raise StoreFailed(why)
            return 0

    with pytest.raises(Fault):
        await app._retain(Failing(), Settings())  # type: ignore[arg-type]
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == ["full", "read-only", "read-only"]
