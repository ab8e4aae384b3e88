"""Follows the store and sends what ends to one backend.

The cursor is the store's: it is moved only when the backend has answered for good, so that after a crash what was not
acknowledged is sent again, and nothing else. One request is on its way at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from msgspec.structs import replace

from tenure_server.errors import StoreError
from tenure_server.export.batching import Pace
from tenure_server.export.responses import Accepted, Refused, Retry
from tenure_server.export.sender import Sender
from tenure_server.export.span_encoder import encode
from tenure_server.export.status import Progress
from tenure_server.store import ClosedLifecycles

log = logging.getLogger("tenure.server")


class Source(Protocol):
    """What is followed: the store, or what stands for it in another process. Both methods raise StoreError."""

    async def closed_lifecycles(self, follower: str, limit: int) -> ClosedLifecycles:
        """See ``Store.closed_lifecycles``."""

    async def acknowledge(self, follower: str, position: int, expired: int) -> None:
        """See ``Store.acknowledge``."""


class Follower:
    """One backend: its sender, its progress and the loop between them. ``report`` is called when progress is made."""

    def __init__(
        self,
        source: Source,
        sender: Sender,
        *,
        clock: Callable[[], int],
        pace: Pace,
        progress: Progress,
        report: Callable[[], None],
    ) -> None:
        self.name = sender.target.name
        self._source = source
        self._sender = sender
        self._clock = clock
        self._pace = pace
        self._progress = progress
        self._report = report
        self._news = asyncio.Event()
        self._closing = asyncio.Event()

    def wake(self) -> None:
        """Something may have ended."""
        self._news.set()

    def close(self) -> None:
        """Let ``run`` end when it has sent what there is, without trying anything again."""
        self._closing.set()
        self._news.set()

    async def run(self) -> None:
        """Send until it is closed or cancelled."""
        try:
            while True:
                is_last_look = self._closing.is_set()
                self._news.clear()
                try:
                    sent = await self._send_some()
                except StoreError as error:
                    sent = 0
                    await self._stumble(str(error))
                except Exception as error:  # a fault of ours must be seen, and must not end the export
                    sent = 0
                    log.exception("exporter %s", self.name)
                    await self._stumble(f"{type(error).__name__}: {error}")
                if (is_last_look and not sent) or (self._closing.is_set() and self._progress.failures):
                    return
                if not sent:
                    await self._rest(self._news, self._pace.poll_s)
                if sent < self._pace.spans // 2:
                    await self._rest(self._closing, self._pace.linger_s)  # what comes now can travel together
        finally:
            await self._sender.close()

    async def _stumble(self, what: str) -> None:
        self._progress.failed(what, self._clock())
        await self._pause(None)

    async def _send_some(self) -> int:
        """Read and send one page; answer how many lifecycles are done with."""
        endings = await self._source.closed_lifecycles(self.name, self._pace.spans)
        if endings.items and not await self._deliver(await asyncio.to_thread(encode, endings), endings):
            return 0
        done = len(endings.items) + endings.expired
        if done:
            await self._source.acknowledge(self.name, endings.position, endings.expired)
        if self._progress.recovered():
            self._report()
        return done

    async def _deliver(self, body: bytes, endings: ClosedLifecycles) -> bool:
        """Send until there is an answer for good; false where it was broken off by ``close``."""
        spans = len(endings.items)
        while True:
            answer = await self._sender.send(body)
            match answer:
                case Accepted(rejected, message):
                    self._progress.delivered(spans, min(max(rejected, 0), spans), message, self._clock())
                    if rejected or message:
                        self._say(f"accepted {spans - rejected} of {spans} spans: {message}")
                    self._report()
                    return True
                case Refused(_, is_too_large) if is_too_large and spans > 1:
                    halves = endings.items[: spans // 2], endings.items[spans // 2 :]
                    return all([await self._deliver_part(replace(endings, items=half)) for half in halves])
                case Refused(what, _):
                    self._progress.refused(spans, what, self._clock())
                    self._say(f"refused {spans} spans, which are not sent again: {what}")
                    self._report()
                    return True
                case Retry(what, after_s):
                    self._progress.failed(what, self._clock())
                    if self._progress.failures == 1:
                        self._say(f"cannot be reached: {what}; its spans are kept and sent later")
                    await self._pause(after_s)
                    if self._closing.is_set():
                        return False

    async def _deliver_part(self, endings: ClosedLifecycles) -> bool:
        return not self._closing.is_set() and await self._deliver(await asyncio.to_thread(encode, endings), endings)

    def _say(self, what: str) -> None:
        if self._progress.is_news(what):
            log.warning("exporter %s %s", self.name, what)

    async def _pause(self, after_s: float | None) -> None:
        """Wait after a failure: so long, or as long as our own patience says."""
        self._report()
        pause_s = self._pace.patience.pause(self._progress.failures) if after_s is None else after_s
        await self._rest(self._closing, pause_s)

    async def _rest(self, until: asyncio.Event, seconds: float) -> None:
        """Wait so long, or until this happens."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await until.wait()
