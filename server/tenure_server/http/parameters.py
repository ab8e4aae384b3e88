"""The parameters of queries: each is declared once, and both reading it and describing it in OpenAPI follow."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from tenure_server.errors import BadParameter, UsageError
from tenure_server.limits import DEFAULT_LIST, MAX_LIST
from tenure_server.settings import parse_duration
from tenure_server.store import Paging

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Schema = dict[str, object]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_INSTANT = 1 << 62


class Parameter(Generic[T_co]):
    """One parameter: ``parse`` makes its value from text, or raises ValueError with what it should have been."""

    def __init__(self, name: str, description: str, schema: Schema, parse: Callable[[str], T_co]) -> None:
        self.name = name
        self.description = description
        self.schema = schema
        self._parse = parse

    def read(self, query: Mapping[str, str]) -> T_co | None:
        """The value; None where the query has none.

        Raises:
            BadParameter: the text is no value of this parameter.
        """
        text = query.get(self.name)
        if text is None:
            return None
        try:
            return self._parse(text)
        except ValueError as error:
            raise BadParameter(self.name, f"{text[:80]!r} is not {error}") from None


def text(name: str, description: str) -> Parameter[str]:
    return Parameter(name, description, {"type": "string"}, str)


def names(name: str, description: str) -> Parameter[list[str]]:
    """Several words, separated by commas."""
    return Parameter(name, description, {"type": "string"}, lambda given: [one for one in given.split(",") if one])


def choice(name: str, description: str, values: Iterable[T]) -> Parameter[T]:
    """One of some words."""
    known = {str(value): value for value in values}

    def parse(given: str) -> T:
        if given not in known:
            raise ValueError(f"one of {', '.join(known)}")
        return known[given]

    return Parameter(name, description, {"type": "string", "enum": list(known)}, parse)


def flag(name: str, description: str) -> Parameter[bool]:
    values = {"0": False, "1": True, "false": False, "true": True}

    def parse(given: str) -> bool:
        if given not in values:
            raise ValueError("0 or 1")
        return values[given]

    return Parameter(name, description, {"type": "string", "enum": list(values)}, parse)


def whole(name: str, description: str, least: int, most: int) -> Parameter[int]:
    def parse(given: str) -> int:
        if not re.fullmatch(r"\d{1,12}", given, re.ASCII) or not least <= int(given) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(given)

    return Parameter(name, description, {"type": "integer", "minimum": least, "maximum": most}, parse)


def milliseconds(name: str, description: str) -> Parameter[int]:
    """Milliseconds in the query, nanoseconds as a value."""

    def parse(given: str) -> int:
        try:
            value = float(given)
        except ValueError:
            value = math.nan
        if not 0 <= value <= 1e12:
            raise ValueError("a number of milliseconds, 0 or more")
        return round(value * 1e6)

    return Parameter(name, description, {"type": "number", "minimum": 0, "maximum": 1e12}, parse)


def instant(name: str, description: str, clock: Callable[[], int]) -> Parameter[int]:
    """An instant as nanoseconds since the epoch; in the query also ISO 8601, or how long ago."""

    def parse(given: str) -> int:
        value = _instant(given.strip(), clock)
        if value is None or not 0 <= value < _MAX_INSTANT:
            raise ValueError("an instant: ns since 1970, ISO 8601 (2026-01-31T12:00:00Z), or -30s, -5m")
        return value

    described = (
        f"{description} Nanoseconds since 1970-01-01, ISO 8601 (default zone: UTC), or relative to now: -30s, -5m."
    )
    return Parameter(name, described, {"type": "string", "examples": ["-5m", "2026-01-31T12:00:00Z"]}, parse)


def _instant(given: str, clock: Callable[[], int]) -> int | None:
    if re.fullmatch(r"\d{1,19}", given, re.ASCII):
        return int(given)
    if given.startswith("-"):
        try:
            return max(clock() - parse_duration(given[1:]), 0)
        except UsageError:
            return None
    try:
        moment = datetime.fromisoformat(given.replace(" ", "+") if "T" in given else given)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1_000


LIMIT = whole("limit", f"Maximum number of items (default: {DEFAULT_LIST}).", 1, MAX_LIST)
CURSOR = text("cursor", "Continue after the previous answer: its cursor.")


def read_paging(query: Mapping[str, str]) -> Paging:
    return Paging(LIMIT.read(query) or DEFAULT_LIST, CURSOR.read(query))
