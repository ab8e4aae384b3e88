"""What is wrong with bytes that should be a batch."""

from __future__ import annotations


class WireError(ValueError):
    """The bytes are not a valid batch: malformed, a wrong type, beyond a limit, or a reference to a missing entry."""


class UnknownVersion(WireError):
    """The batch has a version that this module does not read."""
