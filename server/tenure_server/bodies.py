"""Reads a request's body, decompressed, and never more of it than the limits allow."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable

from aiohttp import web

from tenure import wire
from tenure_server.errors import Refused
from tenure_server.limits import MAX_ENCODED_BODY
from tenure_server.listening.receiving import receiving

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ENCODINGS = "zstd, gzip, identity"


async def read_body(request: web.Request) -> bytes:
    """The body as the sender had it before compressing.

    Raises:
        Refused: 413 past a limit, 415 for a Content-Encoding other than ENCODINGS, 400 where it cannot be decompressed,
            and what ``receiving`` raises.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in _DECODERS:
        raise Refused(
            415,
            "encoding",
            f"Content-Encoding {encoding[:80]!r} is none of {ENCODINGS}",
            {"Accept-Encoding": ENCODINGS},
        )
    return _DECODERS[encoding](await _read_encoded(request))


async def _read_encoded(request: web.Request) -> bytes:
    if (request.content_length or 0) > MAX_ENCODED_BODY:
        raise _too_large(f"Content-Length is {request.content_length}", MAX_ENCODED_BODY)
    pieces = bytearray()
    async with receiving(request) as body:
        async for piece in request.content.iter_any():
            pieces += piece
            if len(pieces) > MAX_ENCODED_BODY:
                raise _too_large("the body is longer", MAX_ENCODED_BODY)
            body.add(len(piece))
    return bytes(pieces)


def _too_large(what: str, limit: int) -> Refused:
    return Refused(413, "too_large", f"{what}, the limit is {limit} bytes (send smaller batches)")


def _identity(data: bytes) -> bytes:
    if len(data) > wire.MAX_BODY:
        raise _too_large("the body is longer", wire.MAX_BODY)
    return data


def _gunzip(data: bytes) -> bytes:
    """RFC 1952: one member after another."""
    result = bytearray()
    while True:
        member = zlib.decompressobj(wbits=31)
        try:
            result += member.decompress(data, wire.MAX_BODY + 1 - len(result))
        except zlib.error as error:
            raise Refused(400, "corrupt", f"the body is no gzip: {error}") from None
        if len(result) > wire.MAX_BODY or member.unconsumed_tail:
            raise _too_large("the decompressed body is longer", wire.MAX_BODY)
        if not member.eof:
            raise Refused(400, "corrupt", "the body is no gzip: it is cut off")
        data = member.unused_data.lstrip(b"\0")
        if not data:
            return bytes(result)


def _unzstd(data: bytes) -> bytes:
    """RFC 8878: one frame after another."""
    result = bytearray()
    while True:
        frame = zstd.ZstdDecompressor()
        try:
            result += frame.decompress(data, max_length=wire.MAX_BODY + 1 - len(result))
        except (zstd.ZstdError, ValueError, MemoryError) as error:
            raise Refused(400, "corrupt", f"the body is no zstd: {error}") from None
        if len(result) > wire.MAX_BODY:
            raise _too_large("the decompressed body is longer", wire.MAX_BODY)
        if not frame.eof:
            raise Refused(400, "corrupt", "the body is no zstd: it is cut off")
        data = frame.unused_data
        if not data:
            return bytes(result)


_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "identity": _identity,
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "zstd": _unzstd,
}
