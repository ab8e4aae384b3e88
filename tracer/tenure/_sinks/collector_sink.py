"""The sink that sends batches to a collector: they go into a bounded queue, and a separate thread posts them.

    200                       stored
    408, 429, 503, 5xx        retried after Retry-After, or after a growing pause
    no or a garbled answer    retried after a growing pause with jitter
    400, unknown version      the collector is older: what is queued is encoded again, as version 1
    anything else             the batch is refused: counted, reported once, never sent again

When the queue is full, the oldest batch is dropped and counted. A batch that was sent before is not dropped: it may be
stored although its answer was lost. The program sees only one line on stderr for each kind of problem.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from tenure._core import faults, late_imports
from tenure._core.process_tree import ProcessTree
from tenure._core.stderr import say
from tenure._sinks import losses
from tenure._sinks.http_client import Answer, ConnectionFailed, Endpoint
from tenure._sinks.losses import BatchContent, Loss, Undelivered

if TYPE_CHECKING:
    from tenure import wire

MAX_QUEUED_BYTES = 32_000_000
UNREACHABLE, REFUSED = "collector unreachable", "refused by the collector"  # reasons of losses, on the wire
_UNKNOWN_VERSION = "unsupported batch version"  # in the detail of a collector that does not read the batch's version
_ANSWER_DELAY_S = 0.5  # without an answer for so long, only the end of the program waits for it
_FIRST_PAUSE, _LONGEST_PAUSE, _LONGEST_RETRY_AFTER = 0.25, 10.0, 60.0  # seconds


class CollectorSink:
    """Sends batches to a collector's ``POST /v1/lifecycles``.

    Raises:
        UsageError: the URL is malformed.
    """

    wants_heartbeats = True

    def __init__(self, url: str, token: str | None = None, tree: ProcessTree | None = None) -> None:
        self.url = url.rstrip("/")
        self._endpoint = Endpoint(url, token)
        self._token = token
        self._tree = tree
        self._queue: deque[tuple[bytes, BatchContent]] = deque()  # each batch encoded, and its lifecycles
        self._bytes = 0
        self._sent_at = 0.0  # when the current request began
        self._tried = False  # whether the first batch of the queue was sent before
        self._undelivered = Undelivered()
        self._refusal = ""  # status and detail of the last refusal
        self._suspicion = "is it overloaded?"
        self._reads_columns = True  # False: the collector has refused version 2 of the wire
        self._changed = threading.Condition()
        self._stopping = False
        self._closing = False
        self._failures = 0  # in a row
        self._reported: set[str] = set()  # kinds of problems
        self._thread: threading.Thread | None = None
        self.resume()

    def send(self, batch: wire.Batch) -> None:
        """Queue a batch; drop the oldest ones if the queue is full."""
        from msgspec.structs import replace  # noqa: PLC0415  # see ``late_imports``

        from tenure.wire import VERSION, VERSION_2, encode, has_native_columns  # noqa: PLC0415

        content = losses.content_of(batch)
        with self._changed:
            if self._undelivered.counts:
                batch = replace(batch, dropped=batch.dropped | self._undelivered.counts)
            data = encode(batch, VERSION_2 if has_native_columns and self._reads_columns else VERSION)
            self._queue.append((data, content))
            self._bytes += len(data)
            while self._bytes > MAX_QUEUED_BYTES and len(self._queue) > 1 + self._tried:
                self._drop(int(self._tried))
            self._changed.notify()

    def fork(self) -> CollectorSink:
        """Make a separate sink for a forked child."""
        sink = CollectorSink(self.url, self._token, self._tree)
        sink._reads_columns = self._reads_columns
        return sink

    def pause(self) -> None:
        """Stop the thread, so that the process can fork; the queue stays."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._endpoint.interrupt()
        if self._thread is not None:
            self._thread.join(0.5)

    def resume(self) -> None:
        """Start the thread (again)."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="tenure-collector", daemon=True)
        self._thread.start()

    def close(self, seconds: float) -> None:
        """Wait until everything is sent, at most so long, and only until the next failed attempt."""
        deadline = time.monotonic() + seconds
        with self._changed:
            self._closing = True
            failures = self._failures
            self._changed.notify_all()
            while self._queue and self._failures <= failures and time.monotonic() < deadline:
                self._changed.wait(max(0.0, deadline - time.monotonic()))
        self.pause()

    def settle(self, seconds: float) -> bool:
        """Wait until everything is sent, at most so long; do not wait for a collector that fails or answers late."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while self._queue and not self._failures:
                until = min(deadline, self._sent_at + _ANSWER_DELAY_S) if self._tried else deadline
                if (remaining := until - time.monotonic()) <= 0.0:
                    break
                self._changed.wait(min(remaining, _ANSWER_DELAY_S))
            return not self._queue

    def lost(self) -> list[Loss]:
        """List what the collector does not get if nothing more is sent."""
        with self._changed:
            queued = self._undelivered.lost_with(content for _, content in self._queue)
            counts = dict(self._undelivered.counts)
        collector = f"the collector at {self.url}"
        limit = f"at most {MAX_QUEUED_BYTES // 1_000_000} MB are kept"
        return [
            Loss(counts.get(UNREACHABLE, 0), f"{collector} was unreachable or too slow for too long ({limit})"),
            Loss(counts.get(REFUSED, 0), f"{collector} refused them ({self._refusal})"),
            Loss(queued, f"{collector} did not accept them before the program exited ({self._suspicion})"),
        ]

    def _run(self) -> None:
        try:
            while not self._stopping:
                try:
                    self._send_all()
                except Exception as error:  # noqa: BLE001  # the next attempt may go well; the program must not notice
                    faults.fault("posting to the collector", error)
                    time.sleep(_FIRST_PAUSE)
        finally:
            with contextlib.suppress(Exception):
                self._endpoint.disconnect()

    def _send_all(self) -> None:
        pause = 0.0
        while True:
            with self._changed:
                if pause:
                    self._changed.wait_for(self._must_hurry, pause)
                else:
                    self._changed.wait_for(self._has_work)
                if self._stopping:
                    return
                data = self._queue[0][0] if self._queue else None
                self._tried, self._sent_at = data is not None, time.monotonic()
            pause = self._post(data) if data is not None else 0.0

    def _must_hurry(self) -> bool:
        return self._stopping or self._closing

    def _has_work(self) -> bool:
        return self._stopping or bool(self._queue)

    def _post(self, data: bytes) -> float:
        """Send one batch; return the seconds to wait before the next attempt."""
        try:
            answer = self._endpoint.post(data)
        except ConnectionFailed as error:
            if self._stopping:
                return 0.0  # pause() aborted it; sending the same batch again changes nothing at the collector
            self._suspicion = "is it running?"
            return self._retry_later(None, f"does not answer ({error})", "start it with `tenure serve`")
        self._suspicion = "is it overloaded?"
        if answer.status == 400 and _UNKNOWN_VERSION in answer.detail and self._reads_columns:
            self._send_rows()
            return 0.0
        if answer.status in {408, 429} or answer.status >= 500:
            return self._retry_later(answer.retry_after, f"answers {answer.status}", "the tracer retries")
        self._done(data, answer)
        return 0.0

    def _send_rows(self) -> None:
        """From now on send version 1; encode what is queued again."""
        from tenure.wire import decode, encode  # noqa: PLC0415  # see ``late_imports``

        with self._changed:
            self._reads_columns = False
            self._queue = deque((encode(decode(data)), content) for data, content in self._queue)
            self._bytes = sum(len(data) for data, _ in self._queue)
        problem = "reads only version 1 of batches; it gets version 1 from now on, and nothing is lost"
        self._report_once("version", problem, "update tenure-server")

    def _done(self, data: bytes, answer: Answer) -> None:
        with self._changed:
            self._failures = 0
            if not self._queue or self._queue[0][0] is not data:
                return  # this thread was paused and ended late: its successor has sent the batch
            content = self._take()
            self._tried = False
            if answer.status == 200:
                self._undelivered.deliver(content)
            else:
                self._refusal = f"{answer.status} {answer.detail}".rstrip()
                self._undelivered.lose(REFUSED, content)
            self._changed.notify_all()
        if answer.status != 200:
            self._report_once(
                str(answer.status), f"refused a batch: {answer.status} {answer.detail}".rstrip(), _remedy(answer.status)
            )

    def _retry_later(self, retry_after: float | None, problem: str, remedy: str) -> float:
        with self._changed:
            self._failures += 1
            self._changed.notify_all()
        consequence = f"the program continues, up to {MAX_QUEUED_BYTES // 1_000_000} MB of records are kept"
        self._report_once("away", f"{problem}; {consequence}", remedy)
        if retry_after is not None:
            return min(retry_after, _LONGEST_RETRY_AFTER)
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._failures - 1, 10))
        jitter: float = late_imports.module("random").uniform(0.5, 1.0)
        return longest * jitter

    def _drop(self, index: int) -> None:
        content = self._take(index)
        self._undelivered.lose(UNREACHABLE, content)
        if index:  # a lifecycle that the first batch opened and this one closed is counted now, not again later
            data, first = self._queue[0]
            self._queue[0] = data, first._replace(opened=first.opened - content.resent)

    def _take(self, index: int = 0) -> BatchContent:
        data, content = self._queue[index]
        del self._queue[index]
        self._bytes -= len(data)
        return content

    def _report_once(self, kind: str, problem: str, remedy: str) -> None:
        if kind not in self._reported:
            self._reported.add(kind)
            if self._tree is None or self._tree.claim(f"{kind} {self.url}"):
                say(f"collector at {self.url} {problem} ({remedy})")


def _remedy(status: int) -> str:
    if status in {401, 403}:
        return "set TENURE_TOKEN"
    if status == 404:
        return "is this address a Tenure collector? see --collector"
    return "its lifecycles are lost; please report this"
