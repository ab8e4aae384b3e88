"""The time limit for receiving a body, and the limit for all incomplete bodies in memory."""

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
    """One body that is being received."""

    total = 0  # bytes of all bodies that are being received

    def __init__(self) -> None:
        self._own = 0

    def add(self, size: int) -> None:
        """More bytes have arrived.

        Raises:
            RequestRefused: 503, all bodies together are too large.
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
    """Limit the time in which a body is read within.

    Raises:
        RequestRefused: 408 if it is not complete after BODY_LIMIT_S, 400 if the client has closed the connection.
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
            raise  # aiohttp raises a RuntimeError only if the connection was lost before the first read
        raise RequestRefused(400, "broken_off", f"the body is incomplete: {error}") from None
    finally:
        body.end()
        if connection is not None:
            connection.enter("answer")
