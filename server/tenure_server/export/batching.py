"""The size of export requests, and the pauses between them."""

from __future__ import annotations

import random

import msgspec

from tenure_server.limits import EXPORT_LINGER_S, EXPORT_POLL_S, EXPORT_SPANS, EXPORT_TIMEOUT_S


class Backoff(msgspec.Struct, frozen=True):
    """The pause before the next attempt, in seconds: it doubles with each failure, with jitter."""

    first_s: float = 1.0
    longest_s: float = 30.0

    def pause(self, failures: int) -> float:
        """The pause after this number of failures in a row."""
        longest = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 20))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 -- jitter, no secret


class Batching(msgspec.Struct, frozen=True):
    """How a follower collects lifecycles into requests."""

    spans: int = EXPORT_SPANS  # of one request
    linger_s: float = EXPORT_LINGER_S  # after a small request, so that the next one has more spans
    poll_s: float = EXPORT_POLL_S  # between two reads of the store without a new batch
    timeout_s: float = EXPORT_TIMEOUT_S  # for the answer to a request
    backoff: Backoff = Backoff()
