"""An exporting process that cannot work is reported, and restarted until it works."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path

import pytest
import trustme
from msgspec.structs import replace
from tests.server.support.batches import Program
from tests.server.support.collector import Clock
from tests.server.support.exporters import QUICK, SAID, ended, exporting, pid_of, status_when
from tests.server.support.otlp_backend import Backend
from tests.server.support.serve_process import FileStore

from tenure_server.errors import StoreFailed
from tenure_server.export.batching import Backoff
from tenure_server.export.worker import process


@pytest.fixture
def store(file_store: FileStore) -> FileStore:
    """The process that exports reads it."""
    return file_store


GARBAGE = 'import sys; print(\'{"type": "Nonsense"}\', flush=True); sys.stdin.read()'
TOO_LONG = "import sys; print('x' * (2 << 20), flush=True); sys.stdin.read()"
HALF = "import sys; sys.stdout.write('{\"type\"')"


BROKEN: dict[tuple[str, ...], str] = {
    (sys.executable, "-c", GARBAGE): "sent an unreadable message and was killed",
    (sys.executable, "-c", TOO_LONG): "sent an unreadable message and was killed",
    (sys.executable, "-c", HALF): "ended with exit code 0",
    (sys.executable, "-c", "import os; os.abort()"): "was ended by SIGABRT",
    (sys.executable, "-c", "import os; os.kill(os.getpid(), 35)"): "was ended by signal 35",
    ("/nowhere/python",): "cannot be started: No such file or directory",
}


@pytest.mark.parametrize("command", BROKEN)
async def test_one_that_cannot_do_its_work_is_told_of_once_and_tried_again_until_it_can(
    store: FileStore,
    backend: Backend,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    command: tuple[str, ...],
) -> None:
    """When it works, everything goes out."""
    monkeypatch.setattr(process, "COMMAND", command)
    clock = Clock()
    async with exporting(store, clock, backend.url, batching=replace(QUICK, backoff=Backoff(0.02, 10.0))) as exporters:
        program = Program()
        ended(program, 3)
        await store.write(program.batch())
        for moment in range(2_000, 5_000, 1_000):  # it dies that often
            clock.set(moment)
            broken = await status_when(exporters, lambda status: status.last_error_ns == clock())
        monkeypatch.undo()
        status = await status_when(exporters, lambda status: status.waiting == 0 and status.state == "ok")

    what = BROKEN[command]
    assert (broken.state, broken.last_error, broken.waiting) == ("retrying", f"the exporting process {what}", 3)
    assert (status.exported, set(backend.taken.values())) == (3, {1})
    assert [record.getMessage() for record in caplog.records] == [SAID.format(what)]
    assert store.started.now == []


async def test_a_fault_of_the_collector_s_own_does_not_end_the_export(
    store: FileStore, clock: Clock, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is logged with its traceback, and the process is started anew."""
    faults: list[Exception] = [LookupError("a fault in Tenure"), StoreFailed("disk I/O error")]
    acknowledge = store.acknowledge

    async def failing(follower: str, position: int, expired: int) -> None:
        if faults:
            raise faults.pop(0)
        await acknowledge(follower, position, expired)

    monkeypatch.setattr(store, "acknowledge", failing)
    async with exporting(store, clock, backend.url) as exporters:
        program = Program()
        ended(program, 3)
        await store.write(program.batch())
        fault = await status_when(exporters, lambda status: status.state == "retrying")
        status = await status_when(exporters, lambda status: status.waiting == 0 and status.state == "ok")

    assert fault.last_error == "the exporting process failed: LookupError: a fault in Tenure"
    assert (status.last_error, faults) == ("disk I/O error", [])
    assert set(backend.taken.values()) == {3}


async def test_one_that_closes_its_end_of_the_pipe_and_stays_is_killed(
    store: FileStore, clock: Clock, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could hear it any more."""
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-c", "import os, time; os.close(1); time.sleep(60)"))
    async with exporting(store, clock, backend.url) as exporters:
        status = await status_when(exporters, lambda status: status.state == "retrying")

    assert status.last_error == "the exporting process was ended by SIGKILL"
    assert store.started.now == []


async def test_what_has_become_unusable_is_said_in_one_line(
    store: FileStore, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A certificate that was there when the collector began, and is not when the process is started again."""
    certificate = tmp_path / "authority.pem"
    trustme.CA().cert_pem.write_to_path(certificate)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(certificate))
    async with exporting(store, clock, "https://127.0.0.1:1") as exporters:
        os.kill(await pid_of(exporters), signal.SIGKILL)
        certificate.unlink()
        await status_when(exporters, lambda status: str(status.last_error).endswith("ended with exit code 1"))

    line = "$OTEL_EXPORTER_OTLP_CERTIFICATE cannot be used: No such file or directory (give readable PEM files)"
    assert {record.getMessage() for record in caplog.records if record.levelno == logging.ERROR} == {line}
