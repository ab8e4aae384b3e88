"""Follows the store and sends closed lifecycles to one backend.

The store keeps the cursor. It moves only after a final answer of the backend, so that after a crash exactly those spans
are sent again that were not acknowledged. Only one request is sent at a time.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from msgspec.structs import replace

from tenure import semconv
from tenure_server.errors import StoreError
from tenure_server.export.batching import Batching
from tenure_server.export.responses import Accepted, Refused, Retry
from tenure_server.export.sender import Sender
from tenure_server.export.span_encoder import encode
from tenure_server.export.status import Progress
from tenure_server.store import ClosedLifecycles

log = logging.getLogger("tenure.server")


class Source(Protocol):
    """The store, or its proxy in another process. Both methods raise StoreError."""

    async def closed_lifecycles(self, follower: str, limit: int) -> ClosedLifecycles:
        """See ``Store.closed_lifecycles``."""

    async def acknowledge(self, follower: str, position: int, expired: int) -> None:
        """See ``Store.acknowledge``."""


class Follower:
    """One backend: its sender, its progress and the loop that sends. ``report`` is called after each change."""

    def __init__(
        self,
        source: Source,
        sender: Sender,
        *,
        clock: Callable[[], int],
        batching: Batching,
        progress: Progress,
        report: Callable[[], None],
    ) -> None:
        self.name = sender.target.name
        self._source = source
        self._sender = sender
        self._clock = clock
        self._batching = batching
        self._progress = progress
        self._report = report
        self._with_internal = os.environ.get(semconv.INTERNAL_VARIABLE) == "1"
        self._woken = asyncio.Event()
        self._closing = asyncio.Event()

    def wake(self) -> None:
        """Look at the store: a lifecycle may have closed."""
        self._woken.set()

    def close(self) -> None:
        """Let ``run`` send the waiting spans and end, without a second attempt at anything."""
        self._closing.set()
        self._woken.set()

    async def run(self) -> None:
        """Send until it is closed or cancelled."""
        try:
            while True:
                is_last_round = self._closing.is_set()
                self._woken.clear()
                try:
                    sent = await self._send_page()
                except StoreError as error:
                    sent = 0
                    await self._record_failure(str(error))
                except Exception as error:  # an unexpected error is logged and does not end the export
                    sent = 0
                    log.exception("exporter %s", self.name)
                    await self._record_failure(f"{type(error).__name__}: {error}")
                if (is_last_round and not sent) or (self._closing.is_set() and self._progress.failures):
                    return
                if not sent:
                    await self._wait(self._woken, self._batching.poll_s)
                if sent < self._batching.spans // 2:
                    await self._wait(self._closing, self._batching.linger_s)  # so that the next request has more spans
        finally:
            await self._sender.close()

    async def _record_failure(self, reason: str) -> None:
        self._progress.failed(reason, self._clock())
        await self._pause(None)

    async def _send_page(self) -> int:
        """Read and send one page; return the number of lifecycles that are acknowledged."""
        page = await self._source.closed_lifecycles(self.name, self._batching.spans)
        handled = len(page.items) + page.expired
        if not self._with_internal:
            page = replace(page, items=[item for item in page.items if not item.lifecycle.internal])
        if page.items and not await self._deliver(await asyncio.to_thread(encode, page), page):
            return 0
        if handled:
            await self._source.acknowledge(self.name, page.position, page.expired)
        if self._progress.recovered():
            self._report()
        return handled

    async def _deliver(self, body: bytes, page: ClosedLifecycles) -> bool:
        """Send until there is a final answer; return false if ``close`` ended the attempts."""
        spans = len(page.items)
        while True:
            answer = await self._sender.send(body)
            match answer:
                case Accepted(rejected, message):
                    self._progress.delivered(spans, min(max(rejected, 0), spans), message, self._clock())
                    if rejected or message:
                        self._log_once(f"accepted {spans - rejected} of {spans} spans: {message}")
                    self._report()
                    return True
                case Refused(_, is_too_large) if is_too_large and spans > 1:
                    halves = page.items[: spans // 2], page.items[spans // 2 :]
                    return all([await self._deliver_part(replace(page, items=half)) for half in halves])
                case Refused(reason, _):
                    self._progress.refused(spans, reason, self._clock())
                    self._log_once(f"refused {spans} spans, which are not sent again: {reason}")
                    self._report()
                    return True
                case Retry(reason, after_s):
                    self._progress.failed(reason, self._clock())
                    if self._progress.failures == 1:
                        self._log_once(f"cannot be reached: {reason}; its spans are kept and sent later")
                    await self._pause(after_s)
                    if self._closing.is_set():
                        return False

    async def _deliver_part(self, page: ClosedLifecycles) -> bool:
        return not self._closing.is_set() and await self._deliver(await asyncio.to_thread(encode, page), page)

    def _log_once(self, reason: str) -> None:
        if self._progress.should_log(reason):
            log.warning("exporter %s %s", self.name, reason)

    async def _pause(self, after_s: float | None) -> None:
        """Wait after a failure: ``after_s``, or if that is None as long as the backoff says."""
        self._report()
        pause_s = self._batching.backoff.pause(self._progress.failures) if after_s is None else after_s
        await self._wait(self._closing, pause_s)

    async def _wait(self, event: asyncio.Event, seconds: float) -> None:
        """Wait for the event, at most this long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
