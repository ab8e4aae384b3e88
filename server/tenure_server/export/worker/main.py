"""The composition root of the exporting process, which the collector starts.

The process talks to the collector by its standard input and output (``export.worker.protocol``) and reads the store's
file. It ends when the collector asks for it or has ended.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from tenure_server.background.supervisor import supervise
from tenure_server.errors import ServerError, StoreFailed
from tenure_server.export.followers import Followers
from tenure_server.export.status import Progress
from tenure_server.export.worker.protocol import (
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
    decode_command,
    encode_line,
)
from tenure_server.limits import EXPORT_BEAT_S, EXPORT_NICENESS, EXPORT_REPORT_S
from tenure_server.store import ClosedLifecycles
from tenure_server.store.sqlite.read.store_reader import StoreReader

_MAX_LOG_TEXT = 20_000  # characters of one log entry, with its traceback


def main() -> None:
    """Export until the collector ends this process."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the collector gets them too, and says when to end
        signal.signal(number, signal.SIG_IGN)
    if sys.platform != "win32":
        os.nice(EXPORT_NICENESS)
    pipes = _CollectorPipes()
    logging.basicConfig(handlers=[_PipeHandler(pipes)], format="%(message)s", level=logging.WARNING)
    try:
        asyncio.run(_export(pipes))
    except ServerError as error:  # for example, a certificate was removed after the collector checked it
        logging.getLogger("tenure.server").error("%s", error)  # noqa: TRY400 -- no traceback: the message is for users
        sys.exit(1)


async def _export(pipes: _CollectorPipes) -> None:
    commands: asyncio.Queue[Command] = asyncio.Queue()
    pipes.start_reading(commands.put_nowait)
    start = await commands.get()
    assert isinstance(start, Start), "the first message is Start"
    clock = _Clock(start.now_ns)
    reader = StoreReader(start.place, clock)
    source = _PipedStore(reader, pipes, start.progress)
    followers = Followers(
        source, start.targets, clock=clock, batching=start.batching, progress=start.progress, report=source.report
    )
    followers.start()
    heartbeats = supervise("the heartbeat", lambda: _send_heartbeats(pipes))
    stopping: asyncio.Task[None] | None = None
    while stopping is None or not stopping.done():
        match await commands.get():
            case Wake(now_ns):
                clock.set(now_ns)
                followers.wake()
            case Acknowledged(exporter, error, now_ns):
                clock.set(now_ns)
                source.acknowledged(exporter, error)
            case Close() if stopping is None:
                stopping = asyncio.create_task(followers.stop())
                stopping.add_done_callback(lambda _: commands.put_nowait(Close()))
    heartbeats.cancel()
    for name in start.progress:
        source.send_report(name)
    reader.close()


async def _send_heartbeats(pipes: _CollectorPipes) -> None:
    while True:
        pipes.send(Heartbeat())
        await asyncio.sleep(EXPORT_BEAT_S)


class _Clock:
    """The collector's clock: the last time that it sent, and the time since then."""

    def __init__(self, now_ns: int) -> None:
        self.set(now_ns)

    def __call__(self) -> int:
        return self._received_ns + time.monotonic_ns() - self._received_at_ns

    def set(self, now_ns: int) -> None:
        self._received_ns, self._received_at_ns = now_ns, time.monotonic_ns()


class _PipedStore:
    """The store for followers: reads come from its file, acknowledgements go to the collector."""

    def __init__(self, reader: StoreReader, pipes: _CollectorPipes, progress: dict[str, Progress]) -> None:
        self._reader = reader
        self._pipes = pipes
        self._progress = progress
        self._answers: dict[str, asyncio.Future[None]] = {}
        self._pending_reports: set[str] = set()

    async def closed_lifecycles(self, follower: str, limit: int) -> ClosedLifecycles:
        """See ``Store.closed_lifecycles``."""
        return await self._reader.closed_lifecycles(follower, limit)

    async def acknowledge(self, follower: str, position: int, expired: int) -> None:
        """See ``Store.acknowledge``."""
        answer = self._answers[follower] = asyncio.get_running_loop().create_future()
        self._pipes.send(Acknowledge(follower, position, expired, self._progress[follower]))
        await answer

    def acknowledged(self, follower: str, error: str | None) -> None:
        """The collector has answered."""
        answer = self._answers.pop(follower)
        if answer.done():  # its follower was cancelled
            return
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(StoreFailed(error))

    def report(self, follower: str) -> None:
        """Send the follower's progress soon, together with its further progress until then."""
        if follower not in self._pending_reports:
            self._pending_reports.add(follower)
            asyncio.get_running_loop().call_later(EXPORT_REPORT_S, self.send_report, follower)

    def send_report(self, follower: str) -> None:
        """Send the follower's progress now."""
        self._pending_reports.discard(follower)
        self._pipes.send(Report(follower, self._progress[follower]))


class _CollectorPipes:
    """The pipes to and from the collector. Nothing else here uses them: what other code prints goes to stderr."""

    def __init__(self) -> None:
        self._in, self._out = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def send(self, message: WorkerEvent) -> None:
        """Send from any thread. It blocks while the collector does not read."""
        rest = memoryview(encode_line(message))
        with self._lock, suppress(BrokenPipeError):  # the reading thread notices the end of the collector
            while rest:
                rest = rest[os.write(self._out, rest) :]

    def start_reading(self, on_command: Callable[[Command], None]) -> None:
        """Let the running event loop call ``on_command`` with every message; if the collector ends, exit at once."""
        loop = asyncio.get_running_loop()
        threading.Thread(
            target=self._read_commands, args=(loop, on_command), name="tenure-collector", daemon=True
        ).start()

    def _read_commands(self, loop: asyncio.AbstractEventLoop, on_command: Callable[[Command], None]) -> None:
        rest = b""
        while data := os.read(self._in, 65_536):
            *complete, rest = (rest + data).split(b"\n")
            for text in complete:
                with suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(on_command, decode_command(text))
        os._exit(0)  # without the collector nothing can be acknowledged, so nothing more is sent


class _PipeHandler(logging.Handler):
    """Sends log entries to the collector, which logs them."""

    def __init__(self, pipes: _CollectorPipes) -> None:
        super().__init__()
        self._pipes = pipes

    def emit(self, record: logging.LogRecord) -> None:
        """Send the entry, with its traceback if there is one."""
        self._pipes.send(LogRecord(record.name, record.levelno, self.format(record)[:_MAX_LOG_TEXT]))


if __name__ == "__main__":
    main()
