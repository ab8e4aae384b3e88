"""A sink with a thread and a bounded queue of its own, so that the shipping thread never waits for OpenTelemetry."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import deque

from tenure import wire
from tenure._core import faults
from tenure._sinks import losses
from tenure._sinks.losses import Loss

KEPT_ROWS = 100_000
_LOOK = 0.05  # seconds


class Worker(ABC):
    """Takes batches one after another in a daemon thread; what does not fit is counted."""

    wants_heartbeats = False
    name = "opentelemetry"
    suspicion = "is it overloaded?"
    where = "the program's own OpenTelemetry"

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}  # of spans that are lost, by reason
        self._queue: deque[wire.Batch] = deque()
        self._rows = 0
        self._changed = threading.Condition()
        self._stopping = self._closing = self._working = False
        self._thread: threading.Thread | None = None
        self.resume()

    @abstractmethod
    def take(self, batch: wire.Batch) -> None:
        """What is to be done with a batch."""

    def go_on(self) -> float | None:
        """Do a piece of what batches left to do: seconds until the next piece, None where nothing is left."""
        return None

    def interrupt(self) -> None:  # noqa: B027  # most wait for nothing
        """End what the thread may be waiting for."""

    def send(self, batch: wire.Batch) -> None:
        """Queue a batch; the oldest ones give way where the queue is full."""
        with self._changed:
            self._queue.append(batch)
            self._rows += len(batch.rows)
            while self._rows > KEPT_ROWS and len(self._queue) > 1:
                lost = self._queue.popleft()
                self._rows -= len(lost.rows)
                self.lose("too slow", sum(1 for row in lost.rows if row.release_ns != wire.NOT_REACHED))
            self._changed.notify_all()

    def lose(self, reason: str, count: int) -> None:
        """Spans that will never be delivered."""
        self.counts[reason] = self.counts.get(reason, 0) + count

    def settle(self, seconds: float) -> bool:
        """Wait until everything is done, but not longer than this, and not past an attempt that fails."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while (self._queue or self._working) and not self.is_away() and time.monotonic() < deadline:
                self._changed.wait(min(_LOOK, max(0.0, deadline - time.monotonic())))
            return not (self._queue or self._working)

    def is_away(self) -> bool:
        """Whether the other side is in trouble."""
        return False

    def lost(self) -> list[Loss]:
        """What will never be delivered, if nothing is done any more."""
        with self._changed:
            queued = sum(losses.content_of(batch).closed for batch in self._queue)
        slow = f"{self.where} was too slow (at most {KEPT_ROWS:,} are kept)"
        late = f"{self.where} did not accept them before the program exited ({self.suspicion})"
        return [Loss(self.counts.get("too slow", 0), slow), Loss(queued + self.unsent(), late)]

    def unsent(self) -> int:
        """Spans that batches left to send."""
        return 0

    def pause(self) -> None:
        """Stop the thread, so that the process can fork; what is queued stays."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self.interrupt()
        if self._thread is not None:
            self._thread.join(0.5)

    def resume(self) -> None:
        """Start the thread (again)."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"tenure-{self.name}", daemon=True)
        self._thread.start()

    def close(self, seconds: float) -> None:
        """Wait until everything is done, but not longer than this, and not past an attempt that fails."""
        deadline = time.monotonic() + seconds
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            while (self._queue or self._working) and time.monotonic() < deadline:
                self._changed.wait(max(0.0, deadline - time.monotonic()))
        self.pause()

    def _run(self) -> None:
        pause: float | None = None
        while True:
            with self._changed:
                self._working = pause is not None
                if pause:
                    self._changed.wait_for(lambda: self._stopping or self._closing, pause)
                    if self._closing:
                        self._stopping = True  # it has failed just now, and the process waits for its end
                elif pause is None:
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: self._stopping or bool(self._queue))
                if self._stopping:
                    self._working = False
                    self._changed.notify_all()
                    return
                batch = None
                if pause is None:
                    batch = self._queue.popleft()
                    self._rows -= len(batch.rows)
                    self._working = True
            try:
                if batch is not None:
                    self.take(batch)
                pause = self.go_on()
            except Exception as error:  # noqa: BLE001  # whatever a processor of the program's raises
                faults.fault(f"handing spans to {self.name}", error)
                pause = None
