"""A sink with a thread and a bounded queue of its own, so that the shipping thread never waits for OpenTelemetry."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import deque

from tenure import buffer, wire

KEPT_ROWS = 100_000


class Worker(ABC):
    """Takes batches one after another in a daemon thread; what does not fit is counted."""

    wants_heartbeats = False
    name = "opentelemetry"

    def __init__(self) -> None:
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
                closed = sum(1 for row in lost.rows if row.release_ns != wire.NOT_REACHED)
                buffer.drop(f"{self.name} too slow", closed)
            self._changed.notify_all()

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
                buffer.fault(f"handing spans to {self.name}", error)
                pause = None
