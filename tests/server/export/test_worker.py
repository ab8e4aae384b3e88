"""The exporting process is killed, hangs, sends nonsense or loses its parent: nothing is lost or delayed."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.server.support.batches import Program
from tests.server.support.collector import Clock
from tests.server.support.exporters import GONE, QUICK, SAID, ended, exporting, pid_of, status_when
from tests.server.support.otlp_backend import Backend, serving
from tests.server.support.serve_process import FileStore, is_there, shown_of

from tenure import wire
from tenure_server.export.exporters import Exporters
from tenure_server.export.targets import Target, parse_headers
from tenure_server.export.worker import process
from tenure_server.hub import Hub
from tenure_server.limits import EXPORT_GRACE_S, EXPORT_LAST_S, EXPORT_NICENESS
from tenure_server.store.sqlite import SqliteStore


@pytest.fixture
def store(file_store: FileStore) -> FileStore:
    """The process that exports reads it."""
    return file_store


async def test_one_that_is_killed_again_and_again_loses_nothing_and_is_started_again(
    store: FileStore, clock: Clock, backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    """What the backend had acknowledged is not repeated; the counts go on where they were, and are exact at the end."""
    page, kills = 10, 3
    program = Program()
    for _ in range(20):
        ended(program, page)
    pids: list[int] = []
    states: list[tuple[str, str | None]] = []
    async with exporting(store, clock, backend.url, batching=replace(QUICK, spans=page)) as exporters:
        batch = program.batch()
        for start in range(0, 200, page):
            await store.write(_part(batch, start // page + 1, batch.rows[start : start + page]))
        for kill in range(1, kills + 1):
            pids.append(await pid_of(exporters, *pids))
            await backend.until(kill * 40)
            os.kill(pids[-1], signal.SIGKILL)
            killed = await status_when(exporters, lambda status: status.state == "retrying")
            states.append((killed.state, killed.last_error))
        status = await status_when(exporters, lambda status: status.waiting == 0 and status.state == "ok")
        assert store.started.now == [await pid_of(exporters, *pids)]

    assert states == [("retrying", "the exporting process was ended by SIGKILL")] * kills
    assert (status.exported, status.retries, status.rejected, status.refused) == (200, 0, 0, 0)
    own = bytes.fromhex(program.hex)
    assert set(backend.taken) == {wire.span_id(own, number) for number in range(1, 201)}
    assert backend.taken.total() <= 200 + kills * page
    assert {record.getMessage() for record in caplog.records} == {SAID.format("was ended by SIGKILL")}
    assert store.started.now == []


def _part(batch: wire.Batch, sequence: int, rows: list[wire.Row]) -> wire.Batch:
    """Some rows of a batch; the instants of a batch's rows are told by how far they are from the one before."""
    before = batch.rows[: batch.rows.index(rows[0])]
    base_ns = batch.base_ns + sum(row.acquire_ns for row in before)
    return replace(batch, sequence=sequence, base_ns=base_ns, rows=rows)


async def test_counts_of_failures_survive_a_kill(store: FileStore, clock: Clock, backend: Backend) -> None:
    """What was refused, rejected and tried again before it is told after it."""
    backend.answers = [(503, {}), 1, (400, {})]
    program = Program()
    async with exporting(store, clock, backend.url) as exporters:
        for refused in (0, 2):
            ended(program, 2)
            await store.write(program.batch())
            before = await status_when(
                exporters, lambda status, refused=refused: (status.waiting, status.refused) == (0, refused)
            )  # type: ignore[misc]
        first = await pid_of(exporters)
        os.kill(first, signal.SIGKILL)
        await pid_of(exporters, first)
        ended(program, 2)
        await store.write(program.batch())
        after = await status_when(exporters, lambda status: status.exported == 3)

    assert (before.exported, before.rejected, before.refused, before.retries) == (1, 1, 2, 1)
    assert (after.exported, after.rejected, after.refused, after.retries) == (3, 1, 2, 1)
    assert (after.state, after.last_error) == ("ok", "the exporting process was ended by SIGKILL")


async def test_what_was_left_open_is_exported_by_a_process_that_began_later(
    store: FileStore, clock: Clock, backend: Backend
) -> None:
    """It judges who is dead by when the collector began to listen, and by the collector's clock."""
    program = Program()
    program.use("main", "Pool orders", acquire=0, wait=1)
    async with exporting(store, clock, backend.url) as exporters:
        await store.write(program.batch())
        first = await pid_of(exporters)
        os.kill(first, signal.SIGKILL)
        await pid_of(exporters, first)
        clock.set(61_001)
        status = await status_when(exporters, lambda status: status.exported == 1)

    assert (status.waiting, status.expired) == (0, 0)
    (span,) = backend.spans
    assert (span.name, span.status.message) == ("Pool orders", "abandoned while held: the process ended")


async def test_it_stands_behind_the_collector_and_apart_from_its_terminal(
    store: FileStore, clock: Clock, backend: Backend
) -> None:
    """Its priority is lower; Ctrl-C and what else is sent to the collector's group does not reach it."""
    async with exporting(store, clock, backend.url) as exporters:
        pid = await pid_of(exporters)
        program = Program()
        ended(program)
        await store.write(program.batch())
        await backend.until(1)
        behind = os.getpriority(os.PRIO_PROCESS, pid) - os.getpriority(os.PRIO_PROCESS, 0)
        group, session = os.getpgid(pid), os.getsid(pid)
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(pid, number)
        ended(program, 2)
        await store.write(program.batch())
        await backend.until(3)
        assert await pid_of(exporters) == pid

    assert behind == min(EXPORT_NICENESS, 19 - os.getpriority(os.PRIO_PROCESS, 0))
    assert (group, session) == (pid, os.getsid(0))


async def test_secrets_go_by_the_pipe_alone(store: FileStore, clock: Clock, backend: Backend) -> None:
    """The backend gets them; whoever lists processes does not."""
    headers = parse_headers("X-Api-Key=very-secret")
    target = Target.parse(backend.url.replace("://", "://shop:hidden@"), headers)
    exporters = Exporters(store, Hub(), [target], clock, QUICK)
    await exporters.start()
    pid = await pid_of(exporters)
    program = Program()
    ended(program)
    await store.write(program.batch())
    await backend.until(1)
    shown = shown_of(pid)
    await exporters.stop()

    assert (backend.headers[0]["X-Api-Key"], backend.headers[0]["Authorization"]) == (
        "very-secret",
        "Basic c2hvcDpoaWRkZW4=",
    )
    for secret in (b"very-secret", b"hidden", b"c2hvcDpoaWRkZW4="):
        assert secret not in shown


async def test_no_target_means_no_process(store: FileStore, clock: Clock) -> None:
    """Nor does a collector that exports nothing wait for one at its end."""
    async with exporting(store, clock) as exporters:
        assert isinstance(exporters._followers, process.ExportingProcess)
        assert (exporters.status(), exporters._followers._task) == ([], None)  # the task starts the process
    assert store.started.now == []


@pytest.mark.parametrize("url", ["never", GONE])
async def test_a_backend_that_does_not_answer_holds_up_the_end_for_no_longer_than_is_said(
    store: FileStore, clock: Clock, backend: Backend, url: str
) -> None:
    """What it has not got waits for the next start."""
    backend.answers = ["never"] * 10
    name = backend.url if url == "never" else url
    program = Program()
    async with exporting(store, clock, name) as exporters:
        ended(program, 5)
        await store.write(program.batch())
        await status_when(exporters, lambda status: bool(backend.requests) or status.retries > 0)
        began = time.monotonic()
    took = time.monotonic() - began

    assert took < EXPORT_LAST_S + EXPORT_GRACE_S + 1
    assert store.backlog(f"{name}/v1/traces").lifecycles == 5
    assert store.started.now == []


async def test_one_that_hangs_at_the_end_is_killed(
    store: FileStore,
    clock: Clock,
    backend: Backend,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In bounded time, and it is said; nothing of it stays behind."""
    monkeypatch.setattr(process, "EXPORT_LAST_S", 0.4)
    monkeypatch.setattr(process, "EXPORT_GRACE_S", 0.2)
    async with exporting(store, clock, backend.url) as exporters:
        pid = await pid_of(exporters)
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
    took = time.monotonic() - began

    assert 0.6 <= took < 0.6 + 2
    assert "did not stop and is killed; the remaining spans are sent after the next start" in caplog.text
    assert not is_there(pid)


async def test_one_that_hangs_is_found_out_and_replaced(
    store: FileStore, clock: Clock, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its silence; meanwhile the collector takes in as ever, and all of it is exported."""
    async with exporting(store, clock, backend.url) as exporters:
        pid = await pid_of(exporters)
        program = Program()
        ended(program)
        await store.write(program.batch())
        await status_when(exporters, lambda status: status.exported == 1 and status.waiting == 0)
        monkeypatch.setattr(process, "EXPORT_SILENCE_S", 2.0)  # it holds from the process's next sign of life on
        ended(program)
        await store.write(program.batch())
        await status_when(exporters, lambda status: status.exported == 2 and status.waiting == 0)
        os.kill(pid, signal.SIGSTOP)
        ended(program, 2)
        await store.write(program.batch())
        hung = await status_when(exporters, lambda status: status.state == "retrying", 30)
        monkeypatch.undo()
        status = await status_when(exporters, lambda status: status.waiting == 0 and status.state == "ok")

    assert hung.last_error == "the exporting process was silent for 2 s and was killed"
    assert (status.exported, set(backend.taken.values())) == (4, {1})
    assert not is_there(pid)


@pytest.mark.parametrize("moment", [0.0, 0.02, 0.1, 0.3])
async def test_the_end_comes_at_any_moment_of_the_start(
    store: FileStore, clock: Clock, backend: Backend, moment: float
) -> None:
    """What is stored is sent all the same, unless the process was not even begun with."""
    program = Program()
    exporters = Exporters(store, Hub(), [Target.parse(backend.url)], clock, QUICK)
    await exporters.start()
    ended(program, 2)
    await store.write(program.batch())
    await asyncio.sleep(moment)
    await exporters.stop()

    assert (backend.taken.total(), store.backlog(f"{backend.url}/v1/traces").lifecycles) in {(2, 0), (0, 2)}
    assert moment == 0.0 or backend.taken.total() == 2
    assert store.started.now == []


async def test_what_it_logs_stands_in_the_collector_s_log(
    store: FileStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Under the same name and at the same level."""
    async with exporting(store, clock, GONE) as exporters:
        program = Program()
        ended(program)
        await store.write(program.batch())
        await status_when(exporters, lambda status: status.retries > 0)

    (record,) = caplog.records
    assert (record.name, record.levelno) == ("tenure.server", logging.WARNING)
    assert record.getMessage().startswith(f"exporter {GONE}/v1/traces cannot be reached: ")


@pytest.mark.parametrize("name", [b"caf\xe9 ?#%41.sqlite", "Тест &=.sqlite".encode()])
async def test_a_store_s_file_may_have_any_name(tmp_path: Path, clock: Clock, backend: Backend, name: bytes) -> None:
    """Text or not, and whatever a URL would make of it."""
    store = SqliteStore(tmp_path / os.fsdecode(name), clock)
    async with exporting(store, clock, backend.url):
        program = Program()
        ended(program, 2)
        await store.write(program.batch())
        await backend.until(2)
    await store.close()


async def test_two_backends_are_served_by_one_process(store: FileStore, clock: Clock, backend: Backend) -> None:
    """Each at its own place."""
    program = Program()
    async with serving(Backend()) as other, exporting(store, clock, backend.url, other.url) as exporters:
        ended(program, 5)
        await store.write(program.batch())
        await backend.until(5)
        await other.until(5)
        assert len(store.started.now) == 1
        await status_when(exporters, lambda _: all(one.waiting == 0 for one in exporters.status()))

    assert [one.exported for one in exporters.status()] == [5, 5]
