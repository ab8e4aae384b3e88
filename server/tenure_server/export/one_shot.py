"""Sends what there is to one backend and ends: ``tenure export --to otlp -o URL``. Nothing is kept for later."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from tenure_server.errors import UsageError
from tenure_server.export.batching import Patience
from tenure_server.export.responses import Accepted, Refused, Retry
from tenure_server.export.sender import sender_to
from tenure_server.export.span_encoder import encode
from tenure_server.export.targets import Target
from tenure_server.store import ClosedLifecycles

_ATTEMPTS = 6  # at one request


class Sent(NamedTuple):
    """``rejected`` spans the backend did not take; ``why`` is what it said."""

    spans: int
    rejected: int
    why: str


def send_all(pages: Iterable[ClosedLifecycles], target: Target, patience: Patience | None = None) -> Sent:
    """Send page after page; what the backend puts off is tried again for about half a minute.

    Raises:
        UsageError: the backend does not take a page; those before it are with it.
    """
    errand = _Errand(target, patience or Patience())
    with asyncio.Runner() as runner:  # pages may be read with a loop of their own: it runs in between
        try:
            for endings in pages:
                runner.run(errand.deliver(endings))
        finally:
            runner.run(errand.close())
    return errand.sent


class _Errand:
    def __init__(self, target: Target, patience: Patience) -> None:
        self._target = target
        self._sender = sender_to(target)
        self._patience = patience
        self._spans = self._rejected = 0
        self._why = ""

    @property
    def sent(self) -> Sent:
        return Sent(self._spans, self._rejected, self._why)

    async def close(self) -> None:
        await self._sender.close()

    async def deliver(self, endings: ClosedLifecycles) -> None:
        spans, body = len(endings.items), encode(endings)
        for attempt in range(1, _ATTEMPTS + 1):
            match await self._sender.send(body):
                case Accepted(counted, message):
                    rejected = min(max(counted, 0), spans)
                    self._spans += spans - rejected
                    self._rejected += rejected
                    self._why = message or self._why
                    return
                case Refused(_, is_too_large) if is_too_large and spans > 1:
                    await self.deliver(replace(endings, items=endings.items[: spans // 2]))
                    await self.deliver(replace(endings, items=endings.items[spans // 2 :]))
                    return
                case Refused(what, _):
                    raise self._failure(f"refused {spans} spans: {what}")
                case Retry(what, after_s):
                    if attempt == _ATTEMPTS:
                        raise self._failure(f"cannot be reached: {what}")
                    await asyncio.sleep(self._patience.pause(attempt) if after_s is None else after_s)

    def _failure(self, what: str) -> UsageError:
        return UsageError(
            f"{self._target.name} {what} ({self._spans} spans were sent; exporting again repeats their ids)"
        )
