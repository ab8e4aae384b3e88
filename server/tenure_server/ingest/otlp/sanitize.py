"""Texts of spans as they may be stored: cut, and without secrets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from tenure.scrubbing import Scrubber
from tenure_server.ingest.otlp.spans import Facts

MAX_TEXT = 1_000  # characters of what a span says of itself; more is cut off after scrubbing

_scrubber = Scrubber()


def hide_also(patterns: Sequence[str]) -> None:
    """Hide what these patterns match, from now on, in all texts of spans.

    Raises:
        BadPattern: one is no regular expression.
    """
    global _scrubber  # noqa: PLW0603
    _scrubber = Scrubber(patterns)
    _clean.cache_clear()
    _clean_expression.cache_clear()


def clean(text: str) -> str:
    """A text as it may be stored: without secrets, at most MAX_TEXT characters."""
    if len(text) > MAX_TEXT:
        return _scrubber.text(text, MAX_TEXT)
    return _clean(text) if text else ""


@lru_cache(maxsize=4_096)
def _clean(text: str) -> str:
    return _scrubber.text(text, MAX_TEXT)


@lru_cache(maxsize=4_096)
def _clean_expression(source: str) -> str:
    return _scrubber.expression(source, MAX_TEXT)


def expression(facts: Facts, name: str) -> str:
    """An attribute that is source text, "" where there is none."""
    value = facts.get(name, "")
    return _clean_expression(value[:MAX_TEXT]) if isinstance(value, str) else ""


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
