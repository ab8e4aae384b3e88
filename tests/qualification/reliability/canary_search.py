"""Unmistakable secrets, and the search for them in bytes of any kind: percent-encoded, in base64, compressed."""

from __future__ import annotations

import gzip
import re
import zlib
from base64 import b64decode
from collections.abc import Iterator
from random import Random
from urllib.parse import unquote_to_bytes

_HEAD, _TAIL = "Zk9Qw3R", "t7vXwB2"  # so that half of a secret is known as well
_WHOLE = re.compile(rf"{_HEAD}[0-9a-f]{{8}}{_TAIL}".lower().encode())
_HALF = re.compile(rf"{_HEAD}|{_TAIL}".lower().encode())
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{20,}")


class Canaries:
    """Hands out secrets and keeps where each was put."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self.places: dict[str, str] = {}  # by the secret in lower case

    def new(self, place: str) -> str:
        """A secret that no other place has."""
        secret = f"{_HEAD}{self._chance.getrandbits(32):08x}{_TAIL}"
        self.places[secret.lower()] = place
        return secret


def search(outputs: dict[str, bytes], canaries: Canaries) -> tuple[dict[str, str], dict[str, str]]:
    """Which secrets were found, each with the first output that has it; and halves of secrets, by output."""
    leaks: dict[str, str] = {}
    halves: dict[str, str] = {}
    for name, data in outputs.items():
        for form in _forms(data):
            whole = {match.decode() for match in _WHOLE.findall(form)}
            for secret in whole:
                leaks.setdefault(canaries.places.get(secret, secret), name)
            half = _HALF.search(_WHOLE.sub(b"", form))
            if half is not None:
                halves.setdefault(name, repr(form[max(0, half.start() - 40) : half.end() + 40]))
    return leaks, halves


def _forms(data: bytes) -> Iterator[bytes]:
    """The bytes in lower case: as they are, percent-decoded, without zeros (UTF-16), and what is in base64 in them."""
    yield data.lower()
    decoded = unquote_to_bytes(unquote_to_bytes(data)) if b"%" in data else data
    if decoded != data:
        yield decoded.lower()
    if b"\0" in data:
        yield data.replace(b"\0", b"").lower()
    pieces = []
    for run in _BASE64.findall(data):
        for skipped in range(4):
            text = run[skipped:].replace(b"-", b"+").replace(b"_", b"/")
            text = text[:-1] if len(text) % 4 == 1 else text
            piece = b64decode(text + b"=" * (-len(text) % 4))
            if piece[:2] == b"\x1f\x8b":
                yield _unpacked(data, run).lower()
            pieces.append(piece)
    yield b"\n".join(pieces).lower()


def _unpacked(data: bytes, run: bytes) -> bytes:
    """What a gzip in base64 has in it."""
    begin = data.index(run)
    end = begin + len(run)
    while data[end : end + 1] == b"=":
        end += 1
    try:
        return gzip.decompress(b64decode(data[begin:end]))
    except (OSError, EOFError, zlib.error, ValueError):
        return b""
