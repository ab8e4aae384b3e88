"""What a program calls its things, made fit for a page and for JSON."""

from __future__ import annotations

from tenure._core import process_scrubber
from tenure.scrubbing import MAX_RAW

MAX_NAME = 300  # characters


def plain(text: str) -> str:
    """The text without secrets, control characters and surrogates, which become "?", and at most MAX_NAME long."""
    shown = process_scrubber.line(text[:MAX_RAW])[:MAX_NAME]
    return "".join(sign if sign.isprintable() else "?" for sign in shown)
