"""Reads the body of a request, decompressed and decoded, within the limits.

Work of more than a few milliseconds is done in a thread, for one body at a time, in the order of their arrival. Several
at once would not be faster, because they share one interpreter, and each would delay the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from tenure_server import limits
from tenure_server.errors import RequestRefused
from tenure_server.http.decompression import DECODERS, ENCODINGS, Buffer, too_large
from tenure_server.http.listening.receiving import receiving

Decoded = TypeVar("Decoded")


class BodyWork:
    """Decompresses and decodes large bodies, one after another."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()  # it is fair: the first to wait is the first to get it
        self._waiting = 0  # bytes of the bodies that are here

    async def do(self, body: Buffer, work: Callable[[Buffer], Decoded]) -> Decoded:
        """Call ``work`` with the body in a thread; answer its result.

        Raises:
            RequestRefused: 503, more than MAX_WAITING_BODIES bytes would wait.
        """
        if self._waiting + len(body) > limits.MAX_WAITING_BODIES:
            detail = (
                f"{self._waiting} bytes are waiting to be read, the limit is {limits.MAX_WAITING_BODIES} (retry later)"
            )
            raise RequestRefused(503, "busy", detail, {"Retry-After": str(limits.RETRY_AFTER_S)})
        self._waiting += len(body)
        try:
            async with self._turn:
                return await asyncio.to_thread(work, body)
        finally:
            self._waiting -= len(body)


WORK: web.AppKey[BodyWork] = web.AppKey("WORK")


async def read_body(request: web.Request, decode: Callable[[bytes], Decoded], small: int) -> Decoded:
    """The body, decompressed and decoded; on the event loop if it has fewer than ``small`` bytes.

    Raises:
        RequestRefused: 413 beyond a limit, 415 for a Content-Encoding other than ENCODINGS, 400 if it cannot be
            decompressed, 503 if too many bytes wait. And what ``decode`` and ``receiving`` raise.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    decompress = DECODERS.get(encoding)
    if decompress is None:
        raise RequestRefused(
            415,
            "encoding",
            f"unsupported Content-Encoding {encoding[:80]!r} (expected one of: {ENCODINGS})",
            {"Accept-Encoding": ENCODINGS},
        )
    encoded = await _read_encoded(request)
    if len(encoded) >= (small if encoding == "identity" else limits.SMALL_ENCODED):
        return await request.app[WORK].do(encoded, lambda body: decode(decompress(body)))
    body = decompress(encoded)
    if len(body) >= small:
        return await request.app[WORK].do(body, lambda body: decode(bytes(body)))
    return decode(body)


async def _read_encoded(request: web.Request) -> bytearray:
    if (request.content_length or 0) > limits.MAX_ENCODED_BODY:
        raise too_large(f"Content-Length is {request.content_length}", limits.MAX_ENCODED_BODY)
    pieces = bytearray()
    async with receiving(request) as body:
        async for piece in request.content.iter_any():
            pieces += piece
            if len(pieces) > limits.MAX_ENCODED_BODY:
                raise too_large("the body is longer", limits.MAX_ENCODED_BODY)
            body.add(len(piece))
    return pieces
