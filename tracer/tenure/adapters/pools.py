"""What the adapters of databases have in common: the names of databases, and a pool that is open beside one in use."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from tenure.failures import type_name
from tenure.resources import Description

_DBNAME = re.compile(r"(?:^|\s)dbname\s*=\s*'?([^'\s]+)")


class Taken:
    """One connection of a pool, taken by a call; what the adapter describes in its place is the pool in use."""

    __slots__ = ("pool",)

    def __init__(self, pool: object) -> None:
        self.pool = pool


def database_of(address: object) -> str | None:
    """The database that a URL or a libpq connection string names: "shop" for "postgresql://host/shop"."""
    if not isinstance(address, str):
        return None
    if "://" in address:
        return urlsplit(address).path.lstrip("/") or None
    found = _DBNAME.search(address)
    return found[1] if found is not None else None


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
