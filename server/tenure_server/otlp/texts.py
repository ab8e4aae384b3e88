"""Texts of spans as they may be stored: cut, and without secrets."""

from __future__ import annotations

from functools import lru_cache

from tenure_server.otlp.spans import Facts
from tenure_server.scrub import scrub

MAX_TEXT = 1_000  # characters of what a span says of itself; more is cut off
_AHEAD = 200  # more are looked at, so that a secret that the cut halves is still told by what follows it


def clean(text: str) -> str:
    """A text as it may be stored: without secrets, at most MAX_TEXT characters."""
    return _clean(text[: MAX_TEXT + _AHEAD]) if text else ""


@lru_cache(maxsize=4_096)
def _clean(text: str) -> str:
    return scrub(text)[:MAX_TEXT]


def text(facts: Facts, name: str) -> str:
    """An attribute as a text, "" where there is none."""
    value = facts.get(name, "")
    return clean(value) if isinstance(value, str) else str(value)


def first(facts: Facts, *names: str) -> str:
    """The first of the attributes that says something."""
    return next((found for name in names if (found := text(facts, name))), "")


def integer(facts: Facts, name: str, most: int) -> int | None:
    """An attribute that is an integer from 0 to ``most``."""
    value = facts.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most else None
