"""The parameters of queries. Each is declared once; from that it is read, and described in OpenAPI."""

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
    """One parameter. ``parse`` makes its value from text, or raises ValueError with a description of valid texts."""

    def __init__(self, name: str, description: str, schema: Schema, parse: Callable[[str], T_co]) -> None:
        self.name = name
        self.description = description
        self.schema = schema
        self._parse = parse

    def read(self, query: Mapping[str, str]) -> T_co | None:
        """The value; None: the query does not have the parameter.

        Raises:
            BadParameter: the text is not valid.
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
    return Parameter(name, description, {"type": "string"}, lambda text: [word for word in text.split(",") if word])


def choice(name: str, description: str, values: Iterable[T]) -> Parameter[T]:
    """One of some words."""
    known = {str(value): value for value in values}

    def parse(text: str) -> T:
        if text not in known:
            raise ValueError(f"one of {', '.join(known)}")
        return known[text]

    return Parameter(name, description, {"type": "string", "enum": list(known)}, parse)


def flag(name: str, description: str) -> Parameter[bool]:
    values = {"0": False, "1": True, "false": False, "true": True}

    def parse(text: str) -> bool:
        if text not in values:
            raise ValueError("0 or 1")
        return values[text]

    return Parameter(name, description, {"type": "string", "enum": list(values)}, parse)


def integer(name: str, description: str, minimum: int, maximum: int) -> Parameter[int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,12}", text, re.ASCII) or not minimum <= int(text) <= maximum:
            raise ValueError(f"a whole number from {minimum} to {maximum}")
        return int(text)

    return Parameter(name, description, {"type": "integer", "minimum": minimum, "maximum": maximum}, parse)


def milliseconds(name: str, description: str) -> Parameter[int]:
    """Milliseconds in the query, nanoseconds as a value."""

    def parse(text: str) -> int:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 <= value <= 1e12:
            raise ValueError("a number of milliseconds, 0 or more")
        return round(value * 1e6)

    return Parameter(name, description, {"type": "number", "minimum": 0, "maximum": 1e12}, parse)


def instant(name: str, description: str, clock: Callable[[], int]) -> Parameter[int]:
    """An instant in nanoseconds since the epoch; in the query also ISO 8601, or relative to now."""

    def parse(text: str) -> int:
        value = _instant(text.strip(), clock)
        if value is None or not 0 <= value < _MAX_INSTANT:
            raise ValueError("an instant: ns since 1970, ISO 8601 (2026-01-31T12:00:00Z), or -30s, -5m")
        return value

    described = (
        f"{description} Nanoseconds since 1970-01-01, ISO 8601 (default zone: UTC), or relative to now: -30s, -5m."
    )
    return Parameter(name, described, {"type": "string", "examples": ["-5m", "2026-01-31T12:00:00Z"]}, parse)


def _instant(text: str, clock: Callable[[], int]) -> int | None:
    if re.fullmatch(r"\d{1,19}", text, re.ASCII):
        return int(text)
    if text.startswith("-"):
        try:
            return max(clock() - parse_duration(text[1:]), 0)
        except UsageError:
            return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)  # "+" may be decoded as " "
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1_000


INTERNAL = flag("internal", "1: also what libraries and frameworks enter for their own ends.")
LIMIT = integer("limit", f"Maximum number of items (default: {DEFAULT_LIST}).", 1, MAX_LIST)
CURSOR = text("cursor", "Continue after the previous answer: its cursor.")


def read_paging(query: Mapping[str, str]) -> Paging:
    return Paging(LIMIT.read(query) or DEFAULT_LIST, CURSOR.read(query))
