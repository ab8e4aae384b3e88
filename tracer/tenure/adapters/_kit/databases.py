"""What the adapters of databases have in common.

The names of databases; a pool that is open beside one in use; how long it takes to make a connection.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote, urlsplit

from tenure._core.object_access import exact, qualified_name
from tenure._core.wrapping import Method
from tenure._identify import tracer
from tenure._identify.kinds import kind_name
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure._patching.bodies import awaited, immediate

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
    address = exact(address)
    return _name_in(address) if address else None


@functools.lru_cache(64)
def _name_in(address: str) -> str | None:
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
        return Description(f"{kind_name(type(pool))}.open", pool, name=name(pool), stereotype="database")

    return describe


def one_use(kind: str, stereotype: str = "database") -> Callable[[object, str], Description]:
    """Describe what is made for one use, a cursor or a transaction, and has no name."""

    def describe(_: object, __: str) -> Description:
        return Description(kind, None, name="", stereotype=stereotype)

    return describe


def time_creation(
    kind: type,
    method: str,
    pool_of: Callable[..., object],
    *,
    predicate: Callable[..., bool] = lambda *_: True,
) -> None:
    """Let a coroutine function that makes a pool's connection tell how long that took; a version without it tells not.

    ``pool_of(object, ...)`` is the subject of the pool's resource, ``wants`` whether this call makes one; both are
    given what the method is called with. A connection that could not be made is not reported.
    """
    original = getattr(kind, method, None)
    if original is not None:
        class_patches.replace(kind, method, _timing(awaited.method, original, kind, pool_of, predicate))


def time_creation_now(kind: type, method: str, pool_of: Callable[..., object]) -> None:
    """As ``time_creation``, of a function that is no coroutine function."""
    original = getattr(kind, method, None)
    if original is not None:
        class_patches.replace(kind, method, _timing(immediate.method, original, kind, pool_of, lambda *_: True))


def _timing(
    wrap: Callable[..., Method],
    original: Method,
    kind: type,
    pool_of: Callable[..., object],
    predicate: Callable[..., bool],
) -> Method:
    def begin(maker: object, arguments: tuple[object, ...], _: object) -> tuple[object, tuple[object, ...], int] | None:
        return (maker, arguments, tracer.current.clock()) if predicate(maker, *arguments) else None

    def end(begun: tuple[object, tuple[object, ...], int], _: object) -> None:
        maker, arguments, begun_ns = begun
        tracer.current.pools.created(pool_of(maker, *arguments), tracer.current.clock() - begun_ns)

    return wrap(original, f"timing how a {qualified_name(kind)} makes a connection", before=begin, after=end)
