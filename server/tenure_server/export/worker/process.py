"""The exporting process from the collector's side: it is started, read from, restarted after its death, and ended.

The process reads the store's file and sends spans. Only the collector writes to the store, so that there is one writer:
the process reports what a backend has accepted, and waits until the collector has stored that. Export does not take the
interpreter lock or the event loop of the collector, and the process has a lower priority.
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
from tenure_server.export.batching import Batching
from tenure_server.export.status import Progress
from tenure_server.export.targets import Target
from tenure_server.export.worker.protocol import (
    MAX_LINE,
    Acknowledge,
    Acknowledged,
    Close,
    Command,
    Heartbeat,
    LogRecord,
    Report,
    Start,
    Wake,
    WorkerEvent,
    decode_event,
    encode_line,
)
from tenure_server.limits import EXPORT_GRACE_S, EXPORT_LAST_S, EXPORT_SILENCE_S
from tenure_server.store import Store, StoreLocation

log = logging.getLogger("tenure.server")

COMMAND = (sys.executable, "-P", "-m", "tenure_server.export.worker.main")
if sys.platform == "win32":
    _GROUP = None
    _FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.BELOW_NORMAL_PRIORITY_CLASS
else:
    _GROUP = 0  # of its own, so that Ctrl-C at the terminal goes to the collector only
    _FLAGS = 0
_SILENT_PERIODS = 3  # several, so that a collector that was suspended reads again before it kills


class ExportingProcess:
    """Runs the followers of all targets; ``progress``, by target name, is kept up to date."""

    def __init__(
        self,
        store: Store,
        place: StoreLocation,
        targets: Sequence[Target],
        *,
        clock: Callable[[], int],
        batching: Batching,
        progress: dict[str, Progress],
    ) -> None:
        self._store = store
        self._place = place
        self._targets = targets
        self._clock = clock
        self._batching = batching
        self._progress = progress
        self._process: asyncio.subprocess.Process | None = None
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to export."""
        self._task = supervise("the supervisor of the exporting process", self._run)

    def wake(self) -> None:
        """Let the process look at the store, unless the last message to it is still unread."""
        if self._process and self._process.stdin and not self._process.stdin.transport.get_write_buffer_size():
            self._send(Wake(self._clock()))

    async def stop(self) -> None:
        """Let it send the waiting spans for EXPORT_LAST_S, and kill it if it does not end then."""
        if self._task is None:
            return
        self._closing.set()
        self._send(Close())
        done, _ = await asyncio.wait([self._task], timeout=EXPORT_LAST_S + EXPORT_GRACE_S)
        if not done and self._process:
            log.warning(
                "the exporting process did not stop and is killed; the remaining spans are sent after the next start"
            )
            self._kill()
        await self._task

    async def _run(self) -> None:
        """Start it again whenever it dies, until ``stop``."""
        deaths = 0
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                reason = await self._run_once()
            except Exception as error:  # an unexpected error is logged and does not end the export
                log.exception("the exporting process failed")
                reason = f"failed: {type(error).__name__}: {error}"
            if self._closing.is_set():
                return
            backoff = self._batching.backoff
            deaths = deaths + 1 if time.monotonic() - began < backoff.longest_s else 1
            for progress in self._progress.values():
                progress.interrupted(f"the exporting process {reason}", self._clock())
            if deaths == 1:
                log.warning(
                    "the exporting process %s; it is restarted, and spans that backends have not acknowledged are sent"
                    " again",
                    reason,
                )
            with suppress(TimeoutError):
                async with asyncio.timeout(backoff.pause(deaths)):
                    await self._closing.wait()

    async def _run_once(self) -> str:
        """Run one process; return how it ended."""
        try:
            with _signals_blocked():
                process = await asyncio.create_subprocess_exec(
                    *COMMAND,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    limit=MAX_LINE,
                    env=os.environ | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)},
                    process_group=_GROUP,
                    creationflags=_FLAGS,
                )
        except OSError as error:
            return f"cannot be started: {error.strerror or error}"
        self._process = process
        try:
            self._send(Start(self._place, list(self._targets), self._batching, self._progress, self._clock()))
            if self._closing.is_set():  # by ``stop``, while the process was starting
                self._send(Close())
            assert process.stdout is not None
            reason = await self._read_events(process.stdout)
            if not reason:
                with suppress(TimeoutError):
                    async with asyncio.timeout(EXPORT_GRACE_S):
                        await process.wait()
        finally:
            self._kill()
            self._process = None
            status = await process.wait()
        return reason or _exit_reason(status)

    async def _read_events(self, stdout: asyncio.StreamReader) -> str:
        """Handle its messages until it ends; return "", or why it must be killed."""
        silences = 0
        while silences < _SILENT_PERIODS:
            try:
                async with asyncio.timeout(EXPORT_SILENCE_S / _SILENT_PERIODS):
                    text = await stdout.readline()
                if not text.endswith(b"\n"):
                    return ""  # the end, perhaps in the middle of a message
                message = decode_event(text)
            except TimeoutError:
                silences += 1
                continue
            except (ValueError, msgspec.DecodeError):
                return "sent an unreadable message and was killed"
            silences = 0
            await self._handle(message)
        return f"was silent for {EXPORT_SILENCE_S:g} s and was killed"

    async def _handle(self, message: WorkerEvent) -> None:
        match message:
            case Acknowledge(exporter, position, expired, progress):
                self._progress[exporter] = progress
                error = None
                try:
                    await self._store.acknowledge(exporter, position, expired)
                except StoreError as failure:
                    error = str(failure)
                self._send(Acknowledged(exporter, error, self._clock()))
            case Report(exporter, progress):
                self._progress[exporter] = progress
            case LogRecord(logger, level, text):
                logging.getLogger(logger).log(level, "%s", text)
            case Heartbeat():
                pass

    def _send(self, message: Command) -> None:
        """Send, unless the process has ended, which the reader of its messages notices."""
        if self._process and self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(encode_line(message))

    def _kill(self) -> None:
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """A process that is started here never gets the signals that end a collector.

    They are blocked in this thread too, for some milliseconds. Other threads of the collector still get them, so
    Python's handlers run.
    """
    if sys.platform == "win32":
        yield
        return
    previous_mask = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous_mask)


def _exit_reason(status: int) -> str:
    """How the process ended by itself."""
    if status >= 0:
        return f"ended with exit code {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"was ended by {name}"
