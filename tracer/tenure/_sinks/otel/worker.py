"""A sink with its own thread and bounded queue, so that the shipping thread never waits for OpenTelemetry."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import deque

from tenure import wire
from tenure._core import faults
from tenure._sinks import losses
from tenure._sinks.losses import Loss

MAX_QUEUED_ROWS = 100_000
_POLL_S = 0.05  # seconds


class Worker(ABC):
    """Handles batches in a daemon thread, in order; what the queue has no room for is lost and counted."""

    wants_heartbeats = False
    name = "opentelemetry"
    suspicion = "is it overloaded?"
    where = "the program's own OpenTelemetry"

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}  # lost spans, by reason
        self._queue: deque[wire.Batch] = deque()
        self._rows = 0
        self._changed = threading.Condition()
        self._stopping = self._closing = self._working = False
        self._thread: threading.Thread | None = None
        self.resume()

    @abstractmethod
    def take(self, batch: wire.Batch) -> None:
        """Handle a batch, in the thread."""

    def continue_work(self) -> float | None:
        """Do one more piece of work; return the seconds until the next piece, None where nothing is left."""
        return None

    def interrupt(self) -> None:  # noqa: B027  # most subclasses do not wait
        """End a wait of the thread."""

    def send(self, batch: wire.Batch) -> None:
        """Queue a batch; where the queue is full, the oldest batches are lost."""
        with self._changed:
            self._queue.append(batch)
            self._rows += len(batch.rows)
            while self._rows > MAX_QUEUED_ROWS and len(self._queue) > 1:
                lost = self._queue.popleft()
                self._rows -= len(lost.rows)
                self.lose("too slow", sum(1 for row in lost.rows if row.release_ns != wire.NOT_REACHED))
            self._changed.notify_all()

    def lose(self, reason: str, count: int) -> None:
        """Count spans that will never be delivered."""
        self.counts[reason] = self.counts.get(reason, 0) + count

    def settle(self, seconds: float) -> bool:
        """Wait until everything is done, at most this long, and not after an attempt that fails."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while (self._queue or self._working) and not self.is_away() and time.monotonic() < deadline:
                self._changed.wait(min(_POLL_S, max(0.0, deadline - time.monotonic())))
            return not (self._queue or self._working)

    def is_away(self) -> bool:
        """Whether the last attempt to send failed."""
        return False

    def lost(self) -> list[Loss]:
        """What is lost if the program exits now."""
        with self._changed:
            queued = sum(losses.content_of(batch).closed for batch in self._queue)
        slow = f"{self.where} was too slow (at most {MAX_QUEUED_ROWS:,} are kept)"
        late = f"{self.where} did not accept them before the program exited ({self.suspicion})"
        return [Loss(self.counts.get("too slow", 0), slow), Loss(queued + self.unsent(), late)]

    def unsent(self) -> int:
        """The number of spans that are ready and not sent."""
        return 0

    def pause(self) -> None:
        """Stop the thread, so that the process can fork; the queue is kept."""
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
        """Wait until everything is done, at most this long, and not after an attempt that fails."""
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
                        self._stopping = True  # the last attempt failed, and the process is exiting
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
                pause = self.continue_work()
            except Exception as error:  # noqa: BLE001  # a span processor of the program can raise anything
                faults.fault(f"handing spans to {self.name}", error)
                pause = None
