"""How much and how often is sent, and how long is waited."""

from __future__ import annotations

import random

import msgspec

from tenure_server.limits import EXPORT_LINGER_S, EXPORT_POLL_S, EXPORT_SPANS, EXPORT_TIMEOUT_S


class Patience(msgspec.Struct, frozen=True):
    """How long to wait before the next attempt: twice as long each time, with jitter; seconds."""

    first_s: float = 1.0
    longest_s: float = 30.0

    def pause(self, failures: int) -> float:
        """After so many failures in a row."""
        longest = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 20))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 -- jitter, no secret


class Pace(msgspec.Struct, frozen=True):
    """How a follower goes about it."""

    spans: int = EXPORT_SPANS  # of one request
    linger_s: float = EXPORT_LINGER_S
    poll_s: float = EXPORT_POLL_S
    timeout_s: float = EXPORT_TIMEOUT_S
    patience: Patience = Patience()
