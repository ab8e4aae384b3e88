"""Follows the store and sends what ends to one backend.

The cursor is the store's: it is moved only when the backend has answered for good, so that after a crash what was not
acknowledged is sent again, and nothing else. One request is on its way at a time.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from msgspec.structs import replace

from tenure_server.errors import StoreError
from tenure_server.export.answers import Accepted, Later, Refused
from tenure_server.export.encoding import encode
from tenure_server.export.sender import Sender
from tenure_server.export.status import Exporter, Progress
from tenure_server.hub import Hub
from tenure_server.limits import (
    EXPORT_CROWDED_STRETCH,
    EXPORT_LINGER_S,
    EXPORT_POLL_S,
    EXPORT_SPANS,
    EXPORT_STRETCH,
)
from tenure_server.store import Endings, Store

log = logging.getLogger("tenure.server")

_LOOKS = 10  # at the store, to tell whether it is crowded


class Patience:
    """How long to wait before the next attempt: twice as long each time, with jitter; seconds."""

    def __init__(self, first_s: float = 1.0, longest_s: float = 30.0) -> None:
        self.first_s = first_s
        self.longest_s = longest_s

    def pause(self, failures: int) -> float:
        """After so many failures in a row."""
        longest = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 20))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 -- jitter, no secret


class Follower:
    """One backend: its sender, its progress and the loop between them."""

    def __init__(
        self, store: Store, hub: Hub, sender: Sender, clock: Callable[[], int], patience: Patience | None = None
    ) -> None:
        self.name = sender.target.name
        self._store = store
        self._hub = hub
        self._sender = sender
        self._clock = clock
        self._patience = patience or Patience()
        self._progress = Progress()
        self._closing = asyncio.Event()

    async def exporter(self) -> Exporter:
        """What is to be told of it."""
        return self._progress.exporter(self.name, await self._store.backlog(self.name), self._clock())

    def close(self) -> None:
        """Let ``run`` end when it has sent what there is, without trying anything again."""
        self._closing.set()

    async def run(self) -> None:
        """Send until it is closed or cancelled."""
        mailbox = self._hub.subscribe(1)
        try:
            while True:
                is_last_look = self._closing.is_set()
                try:
                    sent = await self._send_some()
                except StoreError as error:
                    sent = 0
                    await self._stumble(f"the store could not be read: {error}")
                except Exception as error:  # a fault of ours must be seen, and must not end the export
                    sent = 0
                    log.exception("exporter %s", self.name)
                    await self._stumble(f"{type(error).__name__}: {error}")
                if (is_last_look and not sent) or (self._closing.is_set() and self._progress.failures):
                    return
                if not sent:
                    await self._rest_until(mailbox.take(), EXPORT_POLL_S)
                if sent < EXPORT_SPANS // 2:
                    await self._rest(EXPORT_LINGER_S)  # what comes now can travel together
        finally:
            self._hub.unsubscribe(mailbox)
            await self._sender.close()

    async def _stumble(self, what: str) -> None:
        self._progress.failed(what, self._clock())
        await self._rest(self._patience.pause(self._progress.failures))

    async def _send_some(self) -> int:
        """Read and send one page; answer how many lifecycles are done with."""
        began, written = time.perf_counter(), self._store.totals().batches
        endings = await self._store.endings(self.name, EXPORT_SPANS)
        body = await asyncio.to_thread(encode, endings)
        busy_s = time.perf_counter() - began
        if endings.items and not await self._deliver(body, endings):
            return 0
        done = len(endings.items) + endings.expired
        if done:
            await self._store.acknowledge(self.name, endings)
        self._progress.failures = 0
        if self._store.totals().batches != written:
            await self._give_way(busy_s)
        return done

    async def _give_way(self, busy_s: float) -> None:
        """What comes in goes first: rest for so many times as long as a page took to read and encode."""
        await self._rest((EXPORT_STRETCH - 1) * busy_s)
        until = time.perf_counter() + (EXPORT_CROWDED_STRETCH - EXPORT_STRETCH) * busy_s
        while time.perf_counter() < until and not self._closing.is_set() and await self._is_crowded():
            pass

    async def _is_crowded(self) -> bool:
        """Whether batches wait to be written at most moments of a tenth of a second."""
        crowded = 0
        for _ in range(_LOOKS):
            await self._rest(0.1 / _LOOKS)
            crowded += self._store.totals().queued_batches > 0
        return crowded > _LOOKS // 2

    async def _deliver(self, body: bytes, endings: Endings) -> bool:
        """Send until there is an answer for good; false where it was broken off by ``close``."""
        spans = len(endings.items)
        while True:
            answer = await self._sender.send(body)
            match answer:
                case Accepted(rejected, message):
                    self._progress.delivered(spans, min(max(rejected, 0), spans), message, self._clock())
                    if rejected or message:
                        self._say(f"took {spans - rejected} of {spans} spans: {message}")
                    return True
                case Refused(_, is_too_large) if is_too_large and spans > 1:
                    halves = endings.items[: spans // 2], endings.items[spans // 2 :]
                    return all([await self._deliver_part(replace(endings, items=half)) for half in halves])
                case Refused(what, _):
                    self._progress.refused(spans, what, self._clock())
                    self._say(f"refused {spans} spans, which are lost to it: {what}")
                    return True
                case Later(what, after_s):
                    self._progress.failed(what, self._clock())
                    if self._progress.failures == 1:
                        self._say(f"cannot be reached: {what}; what it has not got is kept and sent later")
                    pause = self._patience.pause(self._progress.failures) if after_s is None else after_s
                    await self._rest(pause)
                    if self._closing.is_set():
                        return False

    async def _deliver_part(self, endings: Endings) -> bool:
        return not self._closing.is_set() and await self._deliver(await asyncio.to_thread(encode, endings), endings)

    def _say(self, what: str) -> None:
        if self._progress.is_news(what):
            log.warning("exporter %s %s", self.name, what)

    async def _rest(self, seconds: float) -> None:
        """Wait, but not when it is closing."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)

    async def _rest_until(self, something: Awaitable[object], seconds: float) -> None:
        waiting = [asyncio.ensure_future(something), asyncio.ensure_future(self._closing.wait())]
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in waiting:
                future.cancel()
