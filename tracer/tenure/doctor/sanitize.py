"""Makes the program's texts fit for a page and for JSON."""

from __future__ import annotations

from tenure._core import process_scrubber
from tenure.scrubbing import MAX_RAW

MAX_NAME = 300  # characters


def sanitize_text(text: str) -> str:
    """Remove secrets, replace control characters and surrogates by "?", and cut the text to MAX_NAME characters."""
    shown = process_scrubber.line(text[:MAX_RAW])[:MAX_NAME]
    return "".join(sign if sign.isprintable() else "?" for sign in shown)
