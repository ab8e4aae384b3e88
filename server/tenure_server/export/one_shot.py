"""Sends pages to one backend, once: ``tenure export --to otlp -o URL``. Spans that fail are not kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from tenure_server.errors import UsageError
from tenure_server.export.batching import Backoff
from tenure_server.export.responses import Accepted, Refused, Retry
from tenure_server.export.sender import sender_to
from tenure_server.export.span_encoder import encode
from tenure_server.export.targets import Target
from tenure_server.store import ClosedLifecycles

_ATTEMPTS = 6  # for one request


class Sent(NamedTuple):
    """``spans`` were accepted and ``rejected`` were not; ``reason`` is the backend's message."""

    spans: int
    rejected: int
    reason: str


def send_all(pages: Iterable[ClosedLifecycles], target: Target, backoff: Backoff | None = None) -> Sent:
    """Send page after page; a request that can be retried is retried for about half a minute.

    Raises:
        UsageError: the backend did not accept a page; the pages before it are sent.
    """
    delivery = _Delivery(target, backoff or Backoff())
    with asyncio.Runner() as runner:  # the loop stands still while a page is read, which may need another loop
        try:
            for page in pages:
                runner.run(delivery.deliver(page))
        finally:
            runner.run(delivery.close())
    return delivery.sent


class _Delivery:
    def __init__(self, target: Target, backoff: Backoff) -> None:
        self._target = target
        self._sender = sender_to(target)
        self._backoff = backoff
        self._spans = self._rejected = 0
        self._reason = ""

    @property
    def sent(self) -> Sent:
        return Sent(self._spans, self._rejected, self._reason)

    async def close(self) -> None:
        await self._sender.close()

    async def deliver(self, page: ClosedLifecycles) -> None:
        spans, body = len(page.items), encode(page)
        for attempt in range(1, _ATTEMPTS + 1):
            match await self._sender.send(body):
                case Accepted(rejected_count, message):
                    rejected = min(max(rejected_count, 0), spans)
                    self._spans += spans - rejected
                    self._rejected += rejected
                    self._reason = message or self._reason
                    return
                case Refused(_, is_too_large) if is_too_large and spans > 1:
                    await self.deliver(replace(page, items=page.items[: spans // 2]))
                    await self.deliver(replace(page, items=page.items[spans // 2 :]))
                    return
                case Refused(reason, _):
                    raise self._failure(f"refused {spans} spans: {reason}")
                case Retry(reason, after_s):
                    if attempt == _ATTEMPTS:
                        raise self._failure(f"cannot be reached: {reason}")
                    await asyncio.sleep(self._backoff.pause(attempt) if after_s is None else after_s)

    def _failure(self, reason: str) -> UsageError:
        return UsageError(
            f"{self._target.name} {reason} ({self._spans} spans were sent; exporting again repeats their ids)"
        )
