"""SQLAlchemy's asyncio: a connection by ``connect()``, ``begin()`` or a session is a use of the engine.

The resource is the engine's pool, with the database's name. ``engine.begin()`` is one use, although it enters a
connection and a transaction internally. A session holds no connection until its first statement. From then on it has a
lifecycle on the engine, from checkout to checkin, at the line of that statement.
"""

from __future__ import annotations

import sys
from pathlib import PurePath
from types import FrameType, ModuleType
from typing import Any

from tenure._core.object_access import attribute, exact, is_true, library_attribute
from tenure._identify import libraries, resources
from tenure._identify.kinds import kind_name
from tenure._identify.pool_stats import PoolStats
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters import contextlib_generators
from tenure.adapters._kit import acquire_release, constructed, databases, open_close

_ENGINE = "sqlalchemy.ext.asyncio.engine.AsyncEngine"
_SESSION = "sqlalchemy.ext.asyncio.session.AsyncSession"
# The calls with which a closed session begins a transaction.
_BEGINNING = (
    *("execute", "scalar", "scalars", "stream", "stream_scalars", "get", "get_one", "refresh", "flush", "connection"),
    *("run_sync", "merge", "delete", "add", "add_all", "begin", "begin_nested"),
)


class _CheckedOut(databases.Taken):
    """A connection of an Engine that a session has checked out."""


def install(asyncio: ModuleType) -> None:
    """Patch the connections, sessions and transactions of sqlalchemy.ext.asyncio, and the engine beneath."""
    libraries.know("sqlalchemy")
    outside = libraries.entered_outside("sqlalchemy")
    open_close.patch_method(
        asyncio.AsyncConnection,
        "start",
        ("close",),
        _connection,
        label="connect",
        predicate=outside,
        wants_entry=outside,
    )
    contextlib_generators.describe_by(asyncio.AsyncEngine.begin.__wrapped__, _begin)
    closers = [name for name in ("close", "aclose", "invalidate") if hasattr(asyncio.AsyncSession, name)]
    constructed.patch(asyncio.AsyncSession, closers, _session, wants_entry=outside, reopening=_BEGINNING)
    by_helper = libraries.entered_outside("sqlalchemy", "create_async_engine")
    constructed.patch(
        asyncio.AsyncEngine,
        ("dispose",),
        _open_engine,
        token=_pool_of,
        predicate=by_helper,
        reopening=("connect", "begin", "raw_connection"),
    )
    by_maker = asyncio.session._AsyncSessionContextManager  # noqa: SLF001  # there is no public name
    resources.register(by_maker, _session_that_began)
    class_patches.patch_manager(by_maker, any_task=True)
    for kind, closing in (
        (asyncio.AsyncTransaction, ("commit", "rollback", "close")),
        (asyncio.AsyncSessionTransaction, ("commit", "rollback")),
    ):
        describe = databases.one_use(kind_name(kind))
        open_close.patch_method(kind, "start", closing, describe, label="begin", predicate=outside, wants_entry=outside)
    base = sys.modules["sqlalchemy.pool.base"]
    engine = sys.modules["sqlalchemy.engine"].Engine
    open_close.patch_closing(engine, ("dispose",), lambda engine: _of(engine, "pool"), {})  # of an AsyncEngine's pool
    _patch_checkouts(engine, base._ConnectionFairy)  # noqa: SLF001  # as above
    databases.time_creation_now(
        base._ConnectionRecord,  # noqa: SLF001
        "_ConnectionRecord__connect",
        lambda record: record._ConnectionRecord__pool,  # noqa: SLF001
    )


def _patch_checkouts(engine: type, fairy: type) -> None:
    """Patch the synchronous engine, from which a session checks out connections within a greenlet."""
    resources.register(_CheckedOut, _checked_out)
    acquire_release.patch_calls(
        engine,
        "raw_connection",
        "_checkin",
        release_of=fairy,
        labels=("checkout", "checkin"),
        stand_in=_CheckedOut,
        predicate=_is_for_a_session,
        when_gone=open_close.end_dropped,  # the pool takes the place back
    )


def _connection(connection: object, _: str) -> Description:
    return _engine(attribute(connection, "sync_engine"))._replace(enter="connect")


def _checked_out(taken: object, _: str) -> Description:
    return _engine(taken.pool)  # type: ignore[attr-defined]


def _begin(handle: object, _: str) -> Description:
    return _engine(attribute(handle.args[0], "sync_engine"))._replace(enter="begin")  # type: ignore[attr-defined]


def _session(_: object, __: str) -> Description:
    return Description(_SESSION, None, stereotype="database")


def _session_that_began(_: object, __: str) -> Description:
    return Description(_SESSION, None, "", stereotype="database", enter="begin")


def _engine(engine: object) -> Description:
    """Describe a synchronous engine and its pool."""
    pool = _of(engine, "pool")
    return Description(_ENGINE, pool, _database(engine), _capacity(pool), "database", figures=_figures)


def _open_engine(engine: object, _: str) -> Description:
    """Describe an engine from its creation to ``dispose()``: another lifecycle than the uses of its connections."""
    return Description(
        f"{_ENGINE}.open", _pool_of(engine), _database(attribute(engine, "sync_engine")), None, "database"
    )


def _pool_of(engine: object) -> object:
    return _of(attribute(engine, "sync_engine"), "pool")


def _database(engine: object) -> str | None:
    database = exact(_of(_of(engine, "url"), "database"))
    return PurePath(database).name if database else None


def _figures(pool: object) -> PoolStats | None:
    """Count the idle connections; None for a pool without a queue, which keeps one connection or none."""
    queue: Any = attribute(pool, "_pool")
    return None if queue is None else PoolStats(queue.qsize(), queue.maxsize or None)


def _capacity(pool: object) -> int | None:
    """Return the limit of connections, with the overflow; None if there is no limit."""
    queue, overflow = attribute(pool, "_pool"), attribute(pool, "_max_overflow")
    size = None if queue is None else queue.maxsize  # type: ignore[attr-defined]
    return size + overflow if type(size) is int and type(overflow) is int and overflow >= 0 else None


def _is_for_a_session(engine: object) -> bool:
    if not is_true(attribute(_of(engine, "dialect"), "is_async")):
        return False
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # there is no other way to the caller
    while frame is not None and frame.f_code.co_name != "_connection_for_bind":
        frame = frame.f_back
    return frame is not None


def _of(thing: object, name: str) -> object:
    """Read an attribute, only if the class is SQLAlchemy's own and not the program's subclass."""
    return library_attribute(thing, name, "sqlalchemy")
