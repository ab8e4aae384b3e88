"""Limits how many tokens a client can try.

A client with a wrong token in its configuration sends that one again and again. So only different wrong tokens count.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable

from tenure_server.limits import GUESS_S, MAX_GUESSERS, MAX_GUESSES


class Guesses:
    """The recent wrong tokens, by the network of the client."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """``clock`` answers wall time in ns."""
        self._clock = clock
        self._wrong: dict[str, dict[bytes, int]] = {}  # network -> digest of a token -> when it arrived, ns

    def wait_s(self, address: str) -> int:
        """For how many seconds tokens from this address are not checked; 0: they are checked."""
        tried = self._wrong.get(_network(address), {})
        now_ns = self._clock()
        recent = sorted(at_ns for at_ns in tried.values() if at_ns > now_ns - GUESS_S * 10**9)
        if len(recent) < MAX_GUESSES:
            return 0
        return max(1, -(-(recent[-MAX_GUESSES] + GUESS_S * 10**9 - now_ns) // 10**9))

    def note(self, address: str, token: str) -> None:
        """A wrong token arrived."""
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
    """The address; of IPv6 the network of 64 bits, because one client may have all its addresses."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{parsed}/64", strict=False)) if parsed.version == 6 else address
