"""Holds back whoever tries one token after another.

A client that has a wrong token sends the same one again and again; only different ones are guesses.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable

from tenure_server.limits import GUESS_S, MAX_GUESSERS, MAX_GUESSES


class Guesses:
    """The wrong tokens of late, by the network that they came from."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """``clock`` answers wall time in ns."""
        self._clock = clock
        self._wrong: dict[str, dict[bytes, int]] = {}  # network -> digest of a token -> when it was tried, ns

    def wait_s(self, address: str) -> int:
        """For how many seconds no token is looked at that comes from this address; 0: it is."""
        tried = self._wrong.get(_network(address), {})
        now_ns = self._clock()
        recent = sorted(at_ns for at_ns in tried.values() if at_ns > now_ns - GUESS_S * 10**9)
        if len(recent) < MAX_GUESSES:
            return 0
        return max(1, -(-(recent[-MAX_GUESSES] + GUESS_S * 10**9 - now_ns) // 10**9))

    def note(self, address: str, token: str) -> None:
        """A wrong token came."""
        network = _network(address)
        tried = self._wrong.pop(network, {})
        now_ns = self._clock()
        tried = {digest: at_ns for digest, at_ns in tried.items() if at_ns > now_ns - GUESS_S * 10**9}
        tried[hashlib.sha256(token.encode(errors="replace")).digest()] = now_ns
        while len(tried) > MAX_GUESSES:
            del tried[next(iter(tried))]
        while len(self._wrong) >= MAX_GUESSERS:
            del self._wrong[next(iter(self._wrong))]
        self._wrong[network] = tried


def _network(address: str) -> str:
    """Of IPv6 the network of 64 bits, all of which one client may have."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{parsed}/64", strict=False)) if parsed.version == 6 else address
