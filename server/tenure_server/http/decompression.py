"""Decompresses a body in a time that depends only on its length, not on its number of members.

A gzip body may have several members, a zstd body several frames. The decoder returns what follows a member as a copy.
So a body is decompressed in pieces of limited size, and the number of members is limited.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Protocol

from tenure import wire
from tenure_server import limits
from tenure_server.errors import RequestRefused

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_PIECE = 64 * 1024  # bytes passed to a decoder at once: it copies at most so many for one member

Buffer = bytes | bytearray


class _Member(Protocol):
    """A decoder of one gzip member or one zstd frame."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...


def identity(data: Buffer) -> bytes:
    if len(data) > wire.MAX_BODY:
        raise too_large("the body is longer", wire.MAX_BODY)
    return bytes(data)


def gunzip(data: Buffer) -> bytes:
    """RFC 1952: one member after another; zeros may stand between and after them."""

    def feed(member: _Member, piece: memoryview, room: int) -> bytes:
        assert isinstance(member, _GZIP)
        return member.decompress(piece, room)

    return _members(data, "gzip", lambda: zlib.decompressobj(wbits=31), feed, zeros=True)


def unzstd(data: Buffer) -> bytes:
    """RFC 8878: one frame after another."""

    def feed(member: _Member, piece: memoryview, room: int) -> bytes:
        assert isinstance(member, zstd.ZstdDecompressor)
        return member.decompress(piece, max_length=room)

    return _members(data, "zstd", zstd.ZstdDecompressor, feed, zeros=False)


_GZIP = type(zlib.decompressobj())
_Feed = Callable[[_Member, memoryview, int], bytes]


def _members(data: Buffer, name: str, start: Callable[[], _Member], feed: _Feed, *, zeros: bool) -> bytes:
    whole = memoryview(data)
    parts: list[bytes] = []
    size = at = members = 0
    while at < len(whole) or not members:
        members += 1
        if members > limits.MAX_MEMBERS:
            raise RequestRefused(
                413, "too_large", f"the body has more than {limits.MAX_MEMBERS} {name} members (send one)"
            )
        member = start()
        while not member.eof:
            if at >= len(whole):
                raise RequestRefused(400, "corrupt", f"the body is not valid {name}: it is cut off")
            piece = whole[at : at + _PIECE]
            try:
                part = feed(member, piece, wire.MAX_BODY + 1 - size)
            except (zlib.error, zstd.ZstdError, ValueError, MemoryError) as error:
                raise RequestRefused(400, "corrupt", f"the body is not valid {name}: {error}") from None
            size += len(part)
            if size > wire.MAX_BODY:
                raise too_large("the decompressed body is longer", wire.MAX_BODY)
            parts.append(part)
            at += len(piece)
        at -= len(member.unused_data)
        if zeros:
            at = _behind_zeros(whole, at)
    return b"".join(parts)


def _behind_zeros(whole: memoryview, at: int) -> int:
    while at < len(whole):
        piece = bytes(whole[at : at + _PIECE])
        rest = piece.lstrip(b"\0")
        at += len(piece) - len(rest)
        if rest:
            break
    return at


def too_large(problem: str, limit: int) -> RequestRefused:
    return RequestRefused(413, "too_large", f"{problem}, the limit is {limit} bytes (send smaller batches)")


ENCODINGS = "zstd, gzip, identity"
DECODERS: dict[str, Callable[[Buffer], bytes]] = {
    "identity": identity,
    "gzip": gunzip,
    "x-gzip": gunzip,
    "zstd": unzstd,
}
