"""What a program calls its things, made fit for a page and for JSON."""

from __future__ import annotations

MAX_NAME = 300  # characters


def plain(text: str) -> str:
    """The text without control characters and surrogates, which become "?", and not longer than MAX_NAME."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:MAX_NAME])
