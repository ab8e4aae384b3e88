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
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from tenure import wire
from tenure._assembly.ledger import Ledger
from tenure._core import buffer, faults, process_scrubber
from tenure._core.stderr import say
from tenure._identify import tracer
from tenure._sinks import losses
from tenure._sinks.exit_patience import Patience
from tenure._sinks.losses import Loss, Undelivered

INTERVAL, POLL, HEARTBEAT = 0.1, 0.025, 2.0  # seconds
FLUSH_ENTRIES = 500  # entries
CLOSE_TIMEOUT_S = 2.0  # seconds that the process's end may wait for it
_OFFSET_TOLERANCE_NS = 10_000_000


class Sink(Protocol):
    """Where batches go. ``send`` returns quickly; OSError from it ends the sink.

    ``settle`` waits until all is delivered, and answers whether it is; ``lost`` is what will never be.
    """

    wants_heartbeats: bool

    def send(self, batch: wire.Batch) -> None: ...
    def settle(self, seconds: float) -> bool: ...
    def lost(self) -> list[Loss]: ...
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


class _Broken(NamedTuple):
    """A sink that ended, and what it would have got since."""

    why: str
    undelivered: Undelivered

    def lost(self) -> Loss:
        return Loss(sum(self.undelivered.counts.values()) + self.undelivered.left(), self.why)


def this_process(service: str) -> wire.Process:
    """The process that is running, under a new random id."""
    service = service.encode("utf-8", "replace").decode()[: wire.MAX_STRING]
    return wire.Process(
        os.urandom(16), service, socket.gethostname(), os.getpid(), platform.python_version(), time.time_ns()
    )


class _Flush:
    """One that another thread asks the shipping thread for."""

    def __init__(self, *, final: bool, patient: bool = True) -> None:
        self.final = final
        self.patient = patient
        self.done = threading.Event()


class Shipper:
    """Owns the thread, the ledger and the sinks of a process."""

    def __init__(self, service: str, sinks: list[Sink]) -> None:
        self.service = service
        self._sinks = sinks
        self._broken: list[_Broken] = []
        self._clock = Clock()
        self._ledger = Ledger(this_process(service))
        self._lock = threading.Lock()
        self._stop, self._wake = threading.Event(), threading.Event()
        self._asked: deque[_Flush] = deque()
        self._patience = Patience()
        self._in_vain = 0.0  # seconds that the last wait for the sinks took, if they did not come to their end
        self._last_sent = 0.0
        self._thread: threading.Thread | None = None
        self._start()

    def flush(self) -> None:
        """Ship what is in the buffer now."""
        if not self._hand_over(final=False):
            self._flush()

    def _flush(self, *, final: bool = False, patient: bool = True) -> None:
        """Ship what is in the buffer now; not ``patient``: also the requests whose span may still come."""
        with self._lock:
            heartbeat = time.monotonic() - self._last_sent >= HEARTBEAT
            self._ledger.add_entries(buffer.drain())
            for batch in self._ledger.batches(
                self._clock.offset_ns(), faults.dropped, heartbeat=heartbeat, final=final, patient=patient
            ):
                self._last_sent = time.monotonic()
                self._send(batch)
        if not buffer.has_room():
            tracer.current.single_use.settled_sites.clear()  # so that every entry asks whether there is room
            tracer.current.resource_ids.by_address.clear()

    def settle(self) -> None:
        """Have shipped what was recorded so far and wait until the sinks have it, as far as the patience reaches.

        The work is the shipping thread's: a signal's handler may raise into the wait, and nothing is lost by it.
        """
        began = time.monotonic()
        deadline = began + self._patience.left()
        flush = _Flush(final=False, patient=False)
        self._asked.append(flush)
        self._wake.set()
        try:
            settled = flush.done.wait(max(0.0, deadline - time.monotonic()))
            for sink in list(self._sinks):
                settled &= sink.settle(max(0.0, deadline - time.monotonic()))
        finally:
            self._patience.spend(time.monotonic() - began)
        self._in_vain = 0.0 if settled else time.monotonic() - began

    def close(self) -> None:
        """The last flush, the goodbye, and a line on stderr where something is lost; waits LAST_FLUSH at most."""
        deadline = time.monotonic() + CLOSE_TIMEOUT_S - self._in_vain
        try:
            handed_over = self._hand_over(final=True)
            self._halt()
            if not handed_over:
                self._flush(final=True)
            for sink in self._sinks:
                sink.close(max(0.0, deadline - time.monotonic()))
        finally:
            self._say_what_is_lost()

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
        self._asked.clear()
        self._ledger = Ledger(this_process(self.service))
        self._sinks = [sink.fork() for sink in self._sinks]
        self._broken = [_Broken(broken.why, Undelivered()) for broken in self._broken]
        self._patience, self._in_vain = Patience(), 0.0
        self._start()

    def _hand_over(self, *, final: bool) -> bool:
        """Let the thread flush where that calls the user's scrubbing callback, which no thread of the program's may.

        Waits LAST_FLUSH at most: a callback that hangs holds up nothing else. False: this thread may flush itself.
        """
        thread = self._thread
        if not process_scrubber.calls_the_program() or thread is None or thread is threading.current_thread():
            return False
        flush = _Flush(final=final)
        self._asked.append(flush)
        self._wake.set()
        deadline = time.monotonic() + CLOSE_TIMEOUT_S
        while thread.is_alive() and not flush.done.wait(POLL) and time.monotonic() < deadline:
            pass
        return flush.done.is_set() or thread.is_alive()

    def _send(self, batch: wire.Batch) -> None:
        is_empty = not batch.rows and not batch.tasks and not batch.final
        for broken in self._broken:
            broken.undelivered.lose("broken", losses.content_of(batch))
        for sink in list(self._sinks):
            if is_empty and not sink.wants_heartbeats:
                continue
            try:
                sink.send(batch)
            except OSError as error:
                self._sinks.remove(sink)
                name = type(sink).__name__.lower()
                say(f"{name}: {error} (the program continues, no more records are written there)")
                broken = _Broken(f"the {name} could not be written ({error})", Undelivered())
                broken.undelivered.lose("broken", losses.content_of(batch))
                self._broken.append(broken)

    def _say_what_is_lost(self) -> None:
        lost = losses.of_buffer(faults.dropped)
        lost += [loss for sink in self._sinks for loss in sink.lost()]
        lost += [broken.lost() for broken in self._broken]
        if line := losses.sentence(lost):
            say(line)

    def _start(self) -> None:
        self._stop.clear()
        self._wake.clear()
        self._thread = threading.Thread(target=self._run, name="tenure-shipping", daemon=True)
        self._thread.start()

    def _halt(self) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        last = time.monotonic()
        while True:
            self._wake.wait(POLL)
            if self._stop.is_set():
                return
            self._wake.clear()
            asked = self._asked.popleft() if self._asked else None
            try:
                now = time.monotonic()
                if asked is not None or buffer.waiting() >= FLUSH_ENTRIES or now - last >= INTERVAL:
                    last = now
                    self._flush(final=asked is not None and asked.final, patient=asked is None or asked.patient)
            except Exception as error:  # noqa: BLE001  # the next flush may go well; the program must not notice
                faults.fault("a flush", error)
            if asked is not None:
                asked.done.set()
                if asked.final:
                    return
