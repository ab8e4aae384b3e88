"""POST /v1/lifecycles: read, check, store and announce a batch. The answer 200 means that the batch is committed."""

from __future__ import annotations

import msgspec
from aiohttp import web

from tenure import wire
from tenure_server.errors import RequestRefused, StoreError
from tenure_server.http.app_keys import HUB, REFUSALS, STORE
from tenure_server.http.request_body import read_body

_LARGE = 64 * 1024  # bytes; decoding a larger body would block the event loop for too long


decode = wire.decode


class Stored(msgspec.Struct, frozen=True):
    """The batch is committed. ``stored`` is how many lifecycles it has."""

    stored: int


async def post_lifecycles(request: web.Request) -> web.Response:
    """Store one batch, whole or not at all."""
    try:
        batch = await _read_batch(request)
        await request.app[STORE].write(batch)
    except RequestRefused as refused:
        request.app[REFUSALS].count(refused.reason)
        raise
    except StoreError as error:
        request.app[REFUSALS].count(type(error).__name__)
        raise
    request.app[HUB].publish(batch)
    return web.Response(body=msgspec.json.encode(Stored(len(batch.rows))), content_type="application/json")


async def _read_batch(request: web.Request) -> wire.Batch:
    if request.content_type != wire.CONTENT_TYPE:
        raise RequestRefused(
            415,
            "content_type",
            f"unsupported Content-Type {request.content_type[:80]!r} (send {wire.CONTENT_TYPE})",
        )
    try:
        return await read_body(request, decode, _LARGE)
    except wire.UnknownVersion as error:
        raise RequestRefused(400, "version", f"unsupported batch version: {error}") from None
    except wire.WireError as error:
        raise RequestRefused(400, "malformed", f"not a batch: {error}") from None
