"""The process that exports, as the collector sees it: started, listened to, started again when it died, ended.

It reads the store's file and sends; only this side writes, so that there is one writer: what a backend has taken is
told by the pipe, noted here, and answered before the process goes on. It shares neither the interpreter's lock nor the
event loop with those who send, and stands behind them when processor time is short.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from tenure_server.background.supervisor import supervise
from tenure_server.errors import StoreError
from tenure_server.export.batching import Pace
from tenure_server.export.status import Progress
from tenure_server.export.targets import Target
from tenure_server.export.worker.protocol import (
    LONGEST,
    Acknowledge,
    Acknowledged,
    Alive,
    Close,
    Command,
    LogRecord,
    Report,
    Start,
    Wake,
    WorkerEvent,
    line,
    news,
)
from tenure_server.limits import EXPORT_GRACE_S, EXPORT_LAST_S, EXPORT_SILENCE_S
from tenure_server.store import Store, StoreLocation

log = logging.getLogger("tenure.server")

COMMAND = (sys.executable, "-P", "-m", "tenure_server.export.worker.main")
if sys.platform == "win32":
    _FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.BELOW_NORMAL_PRIORITY_CLASS
else:
    _FLAGS = 0
_LOOKS = 3  # a collector that was itself suspended must not take its process's silence for death


class ExportingProcess:
    """Runs the followers of all targets; ``progress``, by their names, is kept up to date."""

    def __init__(
        self,
        store: Store,
        place: StoreLocation,
        targets: Sequence[Target],
        *,
        clock: Callable[[], int],
        pace: Pace,
        progress: dict[str, Progress],
    ) -> None:
        self._store = store
        self._place = place
        self._targets = targets
        self._clock = clock
        self._pace = pace
        self._progress = progress
        self._process: asyncio.subprocess.Process | None = None
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to export."""
        self._task = supervise("the supervisor of the exporting process", self._run)

    def wake(self) -> None:
        """Something may have ended. Who has not heard of the last time is not told again."""
        if self._process and self._process.stdin and not self._process.stdin.transport.get_write_buffer_size():
            self._tell(Wake(self._clock()))

    async def stop(self) -> None:
        """Let it send what there is, for EXPORT_LAST_S; one that does not end then is killed."""
        if self._task is None:
            return
        self._closing.set()
        self._tell(Close())
        done, _ = await asyncio.wait([self._task], timeout=EXPORT_LAST_S + EXPORT_GRACE_S)
        if not done and self._process:
            log.warning(
                "the exporting process did not stop and is killed; the remaining spans are sent after the next start"
            )
            self._kill()
        await self._task

    async def _run(self) -> None:
        """Start it as often as it dies, until it is closed."""
        deaths = 0
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                what = await self._live()
            except Exception as error:  # a fault of ours must be seen, and must not end the export
                log.exception("the exporting process failed")
                what = f"failed: {type(error).__name__}: {error}"
            if self._closing.is_set():
                return
            patience = self._pace.patience
            deaths = deaths + 1 if time.monotonic() - began < patience.longest_s else 1
            for progress in self._progress.values():
                progress.interrupted(f"the exporting process {what}", self._clock())
            if deaths == 1:
                log.warning(
                    "the exporting process %s; it is restarted, and spans that backends have not acknowledged are sent"
                    " again",
                    what,
                )
            with suppress(TimeoutError):
                async with asyncio.timeout(patience.pause(deaths)):
                    await self._closing.wait()

    async def _live(self) -> str:
        """One process from its start to its end; answer what became of it."""
        try:
            with _deaf():
                process = await asyncio.create_subprocess_exec(
                    *COMMAND,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    limit=LONGEST,
                    env=os.environ | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)},
                    process_group=None if sys.platform == "win32" else 0,  # Ctrl-C at the terminal is the collector's
                    creationflags=_FLAGS,
                )
        except OSError as error:
            return f"cannot be started: {error.strerror or error}"
        self._process = process
        try:
            self._tell(Start(self._place, list(self._targets), self._pace, self._progress, self._clock()))
            if self._closing.is_set():  # while it was being started
                self._tell(Close())
            assert process.stdout is not None
            wrong = await self._listen(process.stdout)
            if not wrong:
                with suppress(TimeoutError):
                    async with asyncio.timeout(EXPORT_GRACE_S):
                        await process.wait()
        finally:
            self._kill()
            self._process = None
            status = await process.wait()
        return wrong or _end(status)

    async def _listen(self, stdout: asyncio.StreamReader) -> str:
        """Hear what it says until it ends, which is "", or what is wrong with it."""
        silences = 0
        while silences < _LOOKS:
            try:
                async with asyncio.timeout(EXPORT_SILENCE_S / _LOOKS):
                    text = await stdout.readline()
                if not text.endswith(b"\n"):
                    return ""  # broken off in the middle, if there is something
                message = news(text)
            except TimeoutError:
                silences += 1
                continue
            except (ValueError, msgspec.DecodeError):
                return "sent an unreadable message and was killed"
            silences = 0
            await self._hear(message)
        return f"was silent for {EXPORT_SILENCE_S:g} s and was killed"

    async def _hear(self, message: WorkerEvent) -> None:
        match message:
            case Acknowledge(exporter, position, expired, progress):
                self._progress[exporter] = progress
                error = None
                try:
                    await self._store.acknowledge(exporter, position, expired)
                except StoreError as failure:
                    error = str(failure)
                self._tell(Acknowledged(exporter, error, self._clock()))
            case Report(exporter, progress):
                self._progress[exporter] = progress
            case LogRecord(logger, level, text):
                logging.getLogger(logger).log(level, "%s", text)
            case Alive():
                pass

    def _tell(self, message: Command) -> None:
        """It may have ended in this moment: then whoever listens will see."""
        if self._process and self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(line(message))

    def _kill(self) -> None:
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()


@contextmanager
def _deaf() -> Iterator[None]:
    """What is started meanwhile does not hear the signals that end a collector, from its first moment on.

    This thread does not either, for some milliseconds; others of the collector's do, and Python's handlers are run.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(status: int) -> str:
    """How it ended by itself."""
    if status >= 0:
        return f"ended with exit code {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"was ended by {name}"
