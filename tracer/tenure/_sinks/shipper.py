"""The shipping thread: from the buffer through the ledger to the sinks, every 100 ms or 20,000 entries.

It is a daemon thread and uses no event loop. It stops around a fork, and the child gets its own thread and a new
process id. The parent's open lifecycles stay with the parent.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from types import CodeType
from typing import TYPE_CHECKING, Protocol

from tenure._core import bell, buffer, faults, late_imports, process_scrubber
from tenure._core.children import children
from tenure._core.process_tree import ProcessTree
from tenure._core.stderr import say
from tenure._identify import tracer
from tenure._sinks import losses
from tenure._sinks.losses import BrokenSink, Loss, Undelivered
from tenure._sinks.wait_budget import WaitBudget
from tenure._sinks.wall_clock import WallClockOffset
from tenure.wire_constants import MAX_STRING

if TYPE_CHECKING:
    from tenure import wire
    from tenure._assembly.ledger import Ledger
    from tenure._assembly.program_watch import ProgramWatch

FLUSH_INTERVAL_S, HEARTBEAT_INTERVAL_S = 0.1, 2.0  # seconds
ANNOUNCE_S = 0.5  # after this time the root of a tree is announced, if it has recorded nothing and has no children
CLOSE_TIMEOUT_S = 2.0  # how long the end of the process may wait for the thread and the sinks


class Sink(Protocol):
    """A destination of batches. ``send`` returns quickly; an OSError from it ends the sink.

    ``settle`` waits until everything is delivered, and returns whether it is. ``lost`` lists what is not delivered.
    """

    wants_heartbeats: bool

    def send(self, batch: wire.Batch) -> None: ...
    def settle(self, seconds: float) -> bool: ...
    def lost(self) -> list[Loss]: ...
    def close(self, seconds: float) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def fork(self) -> Sink: ...


def _new_ledger(service: str, started_ns: int) -> Ledger:
    """Make a ledger for the running process, with a new random id."""
    service = service.encode("utf-8", "replace").decode()[:MAX_STRING]
    wire, ledger = late_imports.module("tenure.wire"), late_imports.module("tenure._assembly.ledger")
    process = wire.Process(
        os.urandom(16), service, socket.gethostname(), os.getpid(), sys.version.partition(" ")[0], started_ns
    )
    made: Ledger = ledger.Ledger(process)
    return made


class _Flush:
    """A flush that another thread requests from the shipping thread."""

    def __init__(self, *, final: bool, patient: bool = True) -> None:
        self.final = final
        self.patient = patient
        self.done = threading.Event()


class Shipper:
    """Owns the thread, the ledger and the sinks of a process.

    ``is_own`` says which code is the program's own; None: nothing is said of what tasks await.
    """

    def __init__(
        self,
        service: str,
        sinks: list[Sink],
        tree: ProcessTree | None = None,
        is_own: Callable[[CodeType], bool] | None = None,
    ) -> None:
        self.service = service
        self._is_own = is_own
        self._watch: ProgramWatch | None = None  # until the thread first looks
        self._tree = tree
        self._began = time.monotonic()
        self._has_recorded = False
        self._sinks = sinks
        self._broken_sinks: list[BrokenSink] = []
        self._clock = WallClockOffset()
        self._started_ns = time.time_ns()
        self._ledger: Ledger | None = None  # until something has to be shipped
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._requested_flushes: deque[_Flush] = deque()
        self._wait_budget = WaitBudget()
        self._failed_wait_s = 0.0  # how long settle() waited for the sinks in vain
        self._last_sent = 0.0
        self._thread: threading.Thread | None = None
        self._start()

    def flush(self) -> None:
        """Ship what is in the buffer now."""
        if not self._hand_over(final=False):
            self._flush()

    def _flush(self, *, final: bool = False, patient: bool = True) -> None:
        """Ship what is in the buffer now; not ``patient``: also requests that still wait for their name."""
        with self._lock:
            heartbeat = time.monotonic() - self._last_sent >= HEARTBEAT_INTERVAL_S
            for batch in self._batches(heartbeat=heartbeat, final=final, patient=patient):
                if (batch.rows or batch.dropped) and not self._has_recorded:
                    self._has_recorded = True
                    if self._tree is not None:
                        self._tree.note_recorded()
                if not self._is_announced(final=final):
                    continue
                self._last_sent = time.monotonic()
                self._send(batch)
        self._say_who_is_unrecorded()
        if not buffer.has_room():
            tracer.current.single_use.settled_sites.clear()  # so that every entry checks whether there is room
            tracer.current.resource_ids.by_address.clear()

    def _batches(self, *, heartbeat: bool, final: bool, patient: bool) -> list[wire.Batch]:
        """What the ledger makes of the buffer's entries."""
        entries = buffer.drain()
        if self._ledger is None:
            if not entries and not faults.dropped and not self._is_announced(final=final):
                return []
            self._ledger = _new_ledger(self.service, self._started_ns)
        self._ledger.add_entries(entries)
        if self._watch is not None and self._is_announced(final=final):
            self._ledger.observations.add(*self._watch.take())
        return self._ledger.batches(
            self._clock.offset_ns(), faults.dropped, heartbeat=heartbeat, final=final, patient=patient, late=buffer.late
        )

    def _is_announced(self, *, final: bool) -> bool:
        """Whether the sinks may hear of this process: supervisors and helpers that hold nothing stay out of lists."""
        if self._has_recorded or self._tree is None:
            return True
        is_alone = self._tree.is_root and not children.any
        return is_alone and (final or time.monotonic() - self._began >= ANNOUNCE_S)

    def _say_who_is_unrecorded(self) -> None:
        """One line for each reason in a tree of processes."""
        if self._tree is None:
            children.noted.clear()
        elif children.noted:
            for reason in children.unrecorded():
                if self._tree.claim(reason):
                    say(reason)

    def settle(self) -> None:
        """Ship what was recorded so far, and wait until the sinks have it, within the wait budget.

        The shipping thread does the work, so nothing is lost if a signal handler raises into the wait.
        """
        began = time.monotonic()
        deadline = began + self._wait_budget.remaining()
        flush = _Flush(final=False, patient=False)
        self._requested_flushes.append(flush)
        bell.ring()
        try:
            settled = flush.done.wait(max(0.0, deadline - time.monotonic()))
            for sink in list(self._sinks):
                settled &= sink.settle(max(0.0, deadline - time.monotonic()))
        finally:
            self._wait_budget.spend(time.monotonic() - began)
        self._failed_wait_s = 0.0 if settled else time.monotonic() - began

    def close(self) -> None:
        """Flush for the last time, close the sinks, report losses on stderr; waits CLOSE_TIMEOUT_S at most."""
        deadline = time.monotonic() + CLOSE_TIMEOUT_S - self._failed_wait_s
        try:
            handed_over = self._hand_over(final=True)
            self._halt()
            if not handed_over:
                self._flush(final=True)
            for sink in self._sinks:
                sink.close(max(0.0, deadline - time.monotonic()))
        finally:
            self._report_losses()

    def cancel(self) -> None:
        """Stop without a last flush."""
        self._halt()
        for sink in self._sinks:
            sink.close(0.0)

    def before_fork(self) -> None:
        """Stop: no thread of Tenure runs and no lock of Tenure is held while the process forks."""
        self._halt()
        for sink in self._sinks:
            sink.pause()

    def after_fork_in_parent(self) -> None:
        """Continue."""
        children.note()
        for sink in self._sinks:
            sink.resume()
        self._start()

    def after_fork_in_child(self) -> None:
        """Begin as a new process."""
        self._has_recorded = False
        children.clear()
        buffer.clear()
        self._lock = threading.Lock()
        self._requested_flushes.clear()
        self._started_ns, self._ledger, self._watch = time.time_ns(), None, None
        self._sinks = [sink.fork() for sink in self._sinks]
        self._broken_sinks = [BrokenSink(broken.why, Undelivered()) for broken in self._broken_sinks]
        self._wait_budget, self._failed_wait_s = WaitBudget(), 0.0
        self._start()

    def _hand_over(self, *, final: bool) -> bool:
        """Let the shipping thread flush if that calls the user's scrubbing callback, which runs on no other thread.

        Waits CLOSE_TIMEOUT_S at most, because a callback may hang. False: the calling thread may flush itself.
        """
        thread = self._thread
        if not process_scrubber.calls_the_program() or thread is None or thread is threading.current_thread():
            return False
        flush = _Flush(final=final)
        self._requested_flushes.append(flush)
        bell.ring()
        deadline = time.monotonic() + CLOSE_TIMEOUT_S
        while thread.is_alive() and not flush.done.wait(bell.SLICE_S) and time.monotonic() < deadline:
            pass
        return flush.done.is_set() or thread.is_alive()

    def _send(self, batch: wire.Batch) -> None:
        is_empty = not (batch.rows or batch.tasks or batch.stalls or batch.final)
        for broken in self._broken_sinks:
            broken.undelivered.lose("broken", losses.content_of(batch))
        for sink in list(self._sinks):
            if is_empty and not sink.wants_heartbeats:
                continue
            try:
                sink.send(batch)
            except OSError as error:
                self._sinks.remove(sink)
                name = type(sink).__name__.removesuffix("Sink").lower()
                say(f"{name}: {error} (the program continues, no more records are written there)")
                broken = BrokenSink(f"the {name} could not be written ({error})", Undelivered())
                broken.undelivered.lose("broken", losses.content_of(batch))
                self._broken_sinks.append(broken)

    def _report_losses(self) -> None:
        lost = losses.from_buffer(faults.dropped)
        lost += [loss for sink in self._sinks for loss in sink.lost()]
        lost += [broken.lost() for broken in self._broken_sinks]
        if line := losses.summary_line(lost):
            say(line)

    def _start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="tenure-shipping", daemon=True)
        self._thread.start()

    def _halt(self) -> None:
        self._stop.set()
        bell.ring()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_TIMEOUT_S)

    def _look(self, quiet_ns: int, due_ns: int) -> None:
        """See what the program does, at the beginning of this thread's turn: no other thread runs for 5 ms now."""
        try:
            if self._watch is None and self._is_own is not None:
                self._watch = late_imports.module("tenure._assembly.program_watch").ProgramWatch(self._is_own)
            if self._watch is not None:
                self._watch.look(quiet_ns, due_ns, at_tasks=self._is_announced(final=False))
        except Exception as error:  # noqa: BLE001  # as in a flush
            faults.fault("looking at what the program does", error)
            self._is_own = None

    def _is_due(self, seconds: float) -> bool:
        """Whether to flush so long after the last flush: where nothing runs, only for the heartbeat."""
        is_idle = self._watch is not None and self._watch.is_idle() and not buffer.waiting()
        return seconds >= (HEARTBEAT_INTERVAL_S if is_idle else FLUSH_INTERVAL_S)

    def _run(self) -> None:
        try:
            with bell.attended():
                self._take_turns()
        except Exception as error:  # noqa: BLE001  # no memory for a lock
            faults.fault("waiting for the bell", error)

    def _take_turns(self) -> None:
        last, rest = time.monotonic(), bell.SHORT
        while True:
            quiet_ns, due_ns = bell.wait(rest)
            if self._stop.is_set():
                return
            requested = self._requested_flushes.popleft() if self._requested_flushes else None
            try:
                self._look(quiet_ns, due_ns)
                now = time.monotonic()
                if requested is not None or buffer.waiting() >= bell.WAKE_ENTRIES or self._is_due(now - last):
                    last, asked = now, requested or _Flush(final=False)
                    self._flush(final=asked.final, patient=asked.patient)
                rest = bell.SHORT if self._watch is None else self._watch.rest()
            except Exception as error:  # noqa: BLE001  # the next flush may go well; the program must not notice
                faults.fault("a flush", error)
                rest = bell.SHORT
            if requested is not None:
                requested.done.set()
                if requested.final:
                    return
                bell.ring()  # there may be another request
