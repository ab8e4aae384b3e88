"""The composition root of the process that exports, which a collector starts: ``tenure_server.export.worker.main``.

It talks to the collector by its standard input and output (``export.worker.protocol``), reads the store's file, and
ends when the collector says so or is gone.
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
    Alive,
    Close,
    Command,
    LogRecord,
    Report,
    Start,
    Wake,
    WorkerEvent,
    line,
    order,
)
from tenure_server.limits import EXPORT_BEAT_S, EXPORT_NICENESS, EXPORT_REPORT_S
from tenure_server.store import ClosedLifecycles
from tenure_server.store.sqlite.read.follower_store import StoreReader

_LONGEST_TEXT = 20_000  # characters of one line of the log, a traceback's too


def main() -> None:
    """Export until the collector has had enough."""
    for number in (signal.SIGINT, signal.SIGTERM):  # they come to all of a service; it is the collector who says when
        signal.signal(number, signal.SIG_IGN)
    if sys.platform != "win32":
        os.nice(EXPORT_NICENESS)
    collector = _Collector()
    logging.basicConfig(handlers=[_Handler(collector)], format="%(message)s", level=logging.WARNING)
    try:
        asyncio.run(_export(collector))
    except ServerError as error:  # a certificate is gone that was there when the collector looked, say
        logging.getLogger("tenure.server").error("%s", error)  # noqa: TRY400 -- one line says it
        sys.exit(1)


async def _export(collector: _Collector) -> None:
    orders: asyncio.Queue[Command] = asyncio.Queue()
    collector.listen(orders.put_nowait)
    start = await orders.get()
    assert isinstance(start, Start), "the first message says what to do"
    clock = _Clock(start.now_ns)
    reader = StoreReader(start.place, clock)
    source = _Source(reader, collector, start.progress)
    followers = Followers(
        source, start.targets, clock=clock, pace=start.pace, progress=start.progress, report=source.report
    )
    followers.start()
    beating = supervise("the sign of life", lambda: _beat(collector))
    stopping: asyncio.Task[None] | None = None
    while stopping is None or not stopping.done():
        match await orders.get():
            case Wake(now_ns):
                clock.tell(now_ns)
                followers.wake()
            case Acknowledged(exporter, error, now_ns):
                clock.tell(now_ns)
                source.acknowledged(exporter, error)
            case Close() if stopping is None:
                stopping = asyncio.create_task(followers.stop())
                stopping.add_done_callback(lambda _: orders.put_nowait(Close()))
    beating.cancel()
    for name in start.progress:
        source.tell(name)
    reader.close()


async def _beat(collector: _Collector) -> None:
    while True:
        collector.say(Alive())
        await asyncio.sleep(EXPORT_BEAT_S)


class _Clock:
    """The collector's, as it was last told, and the time that went by since."""

    def __init__(self, now_ns: int) -> None:
        self.tell(now_ns)

    def __call__(self) -> int:
        return self._told_ns + time.monotonic_ns() - self._at_ns

    def tell(self, now_ns: int) -> None:
        self._told_ns, self._at_ns = now_ns, time.monotonic_ns()


class _Source:
    """The store, to followers: what is read comes from its file, what is acknowledged goes to the collector."""

    def __init__(self, reader: StoreReader, collector: _Collector, progress: dict[str, Progress]) -> None:
        self._reader = reader
        self._collector = collector
        self._progress = progress
        self._answers: dict[str, asyncio.Future[None]] = {}
        self._to_tell: set[str] = set()

    async def closed_lifecycles(self, follower: str, limit: int) -> ClosedLifecycles:
        """See ``Store.closed_lifecycles``."""
        return await self._reader.closed_lifecycles(follower, limit)

    async def acknowledge(self, follower: str, position: int, expired: int) -> None:
        """See ``Store.acknowledge``."""
        answer = self._answers[follower] = asyncio.get_running_loop().create_future()
        self._collector.say(Acknowledge(follower, position, expired, self._progress[follower]))
        await answer

    def acknowledged(self, follower: str, error: str | None) -> None:
        """The collector's answer."""
        answer = self._answers.pop(follower)
        if answer.done():  # nobody waits any more
            return
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(StoreFailed(error))

    def report(self, follower: str) -> None:
        """It has made progress: to be told soon, with what comes until then."""
        if follower not in self._to_tell:
            self._to_tell.add(follower)
            asyncio.get_running_loop().call_later(EXPORT_REPORT_S, self.tell, follower)

    def tell(self, follower: str) -> None:
        """Tell of its progress now."""
        self._to_tell.discard(follower)
        self._collector.say(Report(follower, self._progress[follower]))


class _Collector:
    """The pipes. Nothing else in this process may use them: whatever prints, prints to stderr."""

    def __init__(self) -> None:
        self._in, self._out = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def say(self, message: WorkerEvent) -> None:
        """Any thread may. One that is not heard, because the collector does not read, waits."""
        rest = memoryview(line(message))
        with self._lock, suppress(BrokenPipeError):  # who listens sees the end too
            while rest:
                rest = rest[os.write(self._out, rest) :]

    def listen(self, hear: Callable[[Command], None]) -> None:
        """Let the running event loop call ``hear`` with every message; when the collector is gone, end at once."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._listen, args=(loop, hear), name="tenure-collector", daemon=True).start()

    def _listen(self, loop: asyncio.AbstractEventLoop, hear: Callable[[Command], None]) -> None:
        rest = b""
        while some := os.read(self._in, 65_536):
            *whole, rest = (rest + some).split(b"\n")
            for text in whole:
                with suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(hear, order(text))
        os._exit(0)  # nobody is there to note what a backend takes, so it must not get any more


class _Handler(logging.Handler):
    """Logs where the collector does."""

    def __init__(self, collector: _Collector) -> None:
        super().__init__()
        self._collector = collector

    def emit(self, record: logging.LogRecord) -> None:
        """Send it, with its traceback if there is one."""
        self._collector.say(LogRecord(record.name, record.levelno, self.format(record)[:_LONGEST_TEXT]))


if __name__ == "__main__":
    main()
