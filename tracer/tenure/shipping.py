"""The shipping thread: from the buffer through the ledger to the sinks, every 100 ms or 500 entries.

It is a daemon thread and touches no event loop. Around a fork it stands still, and the child gets one of its own under
a new process id: what its parent had open is its parent's.
"""

from __future__ import annotations

import os
import platform
import socket
import threading
import time
from collections.abc import Callable
from typing import Protocol

from tenure import buffer, habits, identity, wire
from tenure.collector import say
from tenure.ledger import Ledger

INTERVAL, POLL, HEARTBEAT = 0.1, 0.025, 2.0  # seconds
ENOUGH = 500  # entries
LAST_FLUSH = 2.0  # seconds that the process's end may wait for it
_OFFSET_TOLERANCE_NS = 10_000_000


class Sink(Protocol):
    """Where batches go. ``send`` returns quickly; OSError from it ends the sink."""

    wants_heartbeats: bool

    def send(self, batch: wire.Batch) -> None: ...
    def close(self, seconds: float) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def fork(self) -> Sink: ...


class Clock:
    """The offset from the monotonic clock to wall time: kept while it moves by no more than 10 ms."""

    def __init__(
        self, wall: Callable[[], int] = time.time_ns, monotonic: Callable[[], int] = time.perf_counter_ns
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._offset = self._measure()

    def offset_ns(self) -> int:
        """Nanoseconds to add to a monotonic time."""
        now = self._measure()
        if abs(now - self._offset) > _OFFSET_TOLERANCE_NS:
            self._offset = now
        return self._offset

    def _measure(self) -> int:
        return self._wall() - self._monotonic()


def this_process(service: str) -> wire.Process:
    """The process that is running, under a new random id."""
    service = service.encode("utf-8", "replace").decode()[: wire.MAX_STRING]
    return wire.Process(
        os.urandom(16), service, socket.gethostname(), os.getpid(), platform.python_version(), time.time_ns()
    )


class Shipper:
    """Owns the thread, the ledger and the sinks of a process."""

    def __init__(self, service: str, sinks: list[Sink]) -> None:
        self.service = service
        self._sinks = sinks
        self._clock = Clock()
        self._ledger = Ledger(this_process(service))
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._last_sent = 0.0
        self._thread: threading.Thread | None = None
        self._start()

    def flush(self, *, final: bool = False) -> None:
        """Ship what is in the buffer now."""
        with self._lock:
            heartbeat = time.monotonic() - self._last_sent >= HEARTBEAT
            self._ledger.note(buffer.drain())
            batches = self._ledger.batches(self._clock.offset_ns(), buffer.dropped, heartbeat=heartbeat, final=final)
            for batch in batches:
                self._last_sent = time.monotonic()
                self._send(batch)
        if not buffer.has_room():
            habits.settled.clear()  # so that every entry asks whether there is room
            identity.shared.clear()

    def close(self) -> None:
        """The last flush, and the goodbye; waits LAST_FLUSH at most."""
        deadline = time.monotonic() + LAST_FLUSH
        self._halt()
        self.flush(final=True)
        for sink in self._sinks:
            sink.close(max(0.0, deadline - time.monotonic()))

    def cancel(self) -> None:
        """Stop without a word to the sinks."""
        self._halt()
        for sink in self._sinks:
            sink.close(0.0)

    def before_fork(self) -> None:
        """Stand still: no thread of ours runs and no lock of ours is held while the process forks."""
        self._halt()
        for sink in self._sinks:
            sink.pause()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        for sink in self._sinks:
            sink.resume()
        self._start()

    def after_fork_in_child(self) -> None:
        """Begin as a process of its own."""
        buffer.clear()
        self._lock = threading.Lock()
        self._ledger = Ledger(this_process(self.service))
        self._sinks = [sink.fork() for sink in self._sinks]
        self._start()

    def _send(self, batch: wire.Batch) -> None:
        is_empty = not batch.rows and not batch.tasks and not batch.final
        for sink in list(self._sinks):
            if is_empty and not sink.wants_heartbeats:
                continue
            try:
                sink.send(batch)
            except OSError as error:
                self._sinks.remove(sink)
                say(f"{type(sink).__name__.lower()}: {error} (the program runs on, nothing more is written there)")

    def _start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="tenure-shipping", daemon=True)
        self._thread.start()

    def _halt(self) -> None:
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(LAST_FLUSH)

    def _run(self) -> None:
        last = time.monotonic()
        while not self._stop.wait(POLL):
            try:
                now = time.monotonic()
                if buffer.waiting() >= ENOUGH or now - last >= INTERVAL:
                    last = now
                    self.flush()
            except Exception as error:  # noqa: BLE001  # the next flush may go well; the program must not notice
                buffer.fault("a flush", error)
