"""What the adapters of databases have in common: the names of databases, and a pool that is open beside one in use."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote, urlsplit

from tenure.failures import type_name
from tenure.resources import Description

_SETTING = re.compile(r"(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s\\]|\\.)*))", re.DOTALL)  # of libpq's strings


class Taken:
    """One connection of a pool, taken by a call; what the adapter describes in its place is the pool in use."""

    __slots__ = ("pool",)

    def __init__(self, pool: object) -> None:
        self.pool = pool


def database_of(address: object) -> str | None:
    """The database that a URL or a libpq connection string names: "shop" for "postgresql://host/shop".

    None where it names none, or where the text is not well formed: what looks like a name may be a password then.
    """
    if not isinstance(address, str):
        return None
    if "://" not in address:
        found = {name: quoted or plain for name, quoted, plain in _SETTING.findall(address)}
        return found.get("dbname") or None
    try:
        parts = urlsplit(address)
        named = dict(parse_qsl(parts.query))
    except ValueError:
        return None
    database = named.get("dbname") or named.get("database") or unquote(parts.path.lstrip("/"))
    return None if not database or "@" in database + parts.query + parts.fragment else database


def opened(name: Callable[[object], str | None]) -> Callable[[object, str], Description]:
    """Describe a pool that is entered itself: it is open then, and none of its connections is taken."""

    def describe(pool: object, _: str) -> Description:
        return Description(f"{type_name(type(pool))}.open", pool, name=name(pool), stereotype="database")

    return describe


def one_use(kind: str, stereotype: str = "database") -> Callable[[object, str], Description]:
    """Describe what is made for one use, a cursor or a transaction, and has no name."""

    def describe(_: object, __: str) -> Description:
        return Description(kind, None, name="", stereotype=stereotype)

    return describe
