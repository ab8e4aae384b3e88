"""How long a body may take to come, and how much of all bodies may be in memory before they are whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from tenure_server.errors import RequestRefused
from tenure_server.http.listening.connections import connection_of
from tenure_server.limits import BODY_LIMIT_S, MAX_BODIES, RETRY_AFTER_S

_RETRY = {"Retry-After": str(RETRY_AFTER_S)}


class Receiving:
    """One body that comes."""

    total = 0  # bytes, of all that come now

    def __init__(self) -> None:
        self._own = 0

    def add(self, size: int) -> None:
        """So many bytes more have come.

        Raises:
            Refused: 503, all bodies together are too large.
        """
        self._own += size
        Receiving.total += size
        if Receiving.total > MAX_BODIES:
            raise RequestRefused(
                503,
                "bodies",
                f"the bodies being received have {Receiving.total} bytes, the limit MAX_BODIES is"
                f" {MAX_BODIES} (retry later)",
                _RETRY,
            )

    def end(self) -> None:
        Receiving.total -= self._own


@asynccontextmanager
async def receiving(request: web.Request) -> AsyncIterator[Receiving]:
    """Read the body within.

    Raises:
        Refused: 408 where it was not complete after BODY_LIMIT_S, 400 where the client went away.
    """
    connection = connection_of(request)
    if connection is not None:
        connection.enter("body")
    body = Receiving()
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            yield body
    except TimeoutError:
        raise RequestRefused(
            408,
            "slow_body",
            f"the body was not complete after {BODY_LIMIT_S:g} s, the limit BODY_LIMIT_S (send smaller batches)",
            {"Connection": "close", **_RETRY},
        ) from None
    except (ConnectionError, web.RequestPayloadError, HttpProcessingError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and request.transport is not None:
            raise  # aiohttp raises one where the connection was lost before the first read; this is another
        raise RequestRefused(400, "broken_off", f"the body is incomplete: {error}") from None
    finally:
        body.end()
        if connection is not None:
            connection.enter("answer")
