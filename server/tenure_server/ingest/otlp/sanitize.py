"""Prepares texts of spans for the store: removes secrets, and cuts them to a maximum length."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from tenure.scrubbing import Scrubber
from tenure_server.ingest.otlp.spans import Facts

MAX_TEXT = 1_000  # characters of one text of a span; the rest is cut off after scrubbing

_scrubber = Scrubber()


def hide_also(patterns: Sequence[str]) -> None:
    """Hide what these patterns match in all texts of spans, from now on.

    Raises:
        BadPattern: a pattern is not a regular expression.
    """
    global _scrubber  # noqa: PLW0603
    _scrubber = Scrubber(patterns)
    _clean.cache_clear()
    _clean_expression.cache_clear()


def clean(text: str) -> str:
    """A text without its secrets, at most MAX_TEXT characters."""
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
    """An attribute that is source text; "" if it is missing."""
    value = facts.get(name, "")
    return _clean_expression(value[:MAX_TEXT]) if isinstance(value, str) else ""


def text(facts: Facts, name: str) -> str:
    """An attribute as text; "" if it is missing."""
    value = facts.get(name, "")
    return clean(value) if isinstance(value, str) else str(value)


def first(facts: Facts, *names: str) -> str:
    """The first of the attributes that is not empty; "" if all are."""
    return next((value for name in names if (value := text(facts, name))), "")


def integer(facts: Facts, name: str, maximum: int) -> int | None:
    """An attribute that is an integer from 0 to ``maximum``; None: it is missing, or another value."""
    value = facts.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= maximum else None
