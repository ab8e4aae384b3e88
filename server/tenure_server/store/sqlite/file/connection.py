"""Opens the database file, or raises an error whose one line says why it cannot be a store."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tenure_server.errors import StoreUnusable
from tenure_server.store.sqlite.file import schema
from tenure_server.store.sqlite.file.deadline import Stoppable
from tenure_server.store.sqlite.file.locking import Lock

_NEEDED = (3, 35, 0)


def connect(path: Path | None, factory: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    """A connection in autocommit mode, for one thread at a time. ``path`` None: a database in memory."""
    return sqlite3.connect(
        ":memory:" if path is None else path,
        timeout=5,
        isolation_level=None,
        check_same_thread=False,
        factory=factory,
    )


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection to a file that another process writes. It cannot write, not even when it is closed."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5, isolation_level=None, check_same_thread=False
    )


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that reads beside the one that writes. It does not create a missing file."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=5,
        isolation_level=None,
        check_same_thread=False,
        factory=Stoppable,
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def open_store(path: Path | None, *, exclusive: bool = False) -> tuple[sqlite3.Connection, Lock | None]:
    """The connection that writes, with all tables, and the lock on its file.

    ``exclusive``: no other connection can read the file, and opening it needs no free disk space.

    Raises:
        StoreUnusable: no store can be opened there; the text says why and what to do, ``__cause__`` is SQLite's error.
    """
    if sqlite3.sqlite_version_info < _NEEDED:
        raise StoreUnusable(f"SQLite {sqlite3.sqlite_version} is too old (Tenure needs 3.35 or newer)")
    if path is not None:
        _check_place(path)
    connection: sqlite3.Connection | None = None
    lock: Lock | None = None
    try:
        connection = connect(path)
        if exclusive:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        lock = None if path is None else Lock(path)
        new = schema.is_new(connection)
        if lock is not None:
            lock.take_name()
        schema.configure(connection)
        if new:
            schema.create(connection)
        else:
            schema.upgrade(connection)
        connection.execute("BEGIN IMMEDIATE")  # it fails now if the file cannot be written
        connection.execute("ROLLBACK")
    except (schema.NotOurs, sqlite3.Error, OSError, StoreUnusable) as error:
        if connection is not None:
            connection.close()
        if lock is not None:
            lock.release()
        raise _unusable(path, error) from error
    return connection, lock


def _check_place(path: Path) -> None:
    if not path.parent.is_dir():
        raise StoreUnusable(f"the store's directory {path.parent} does not exist (create it, or give another --store)")
    if path.is_dir():
        raise StoreUnusable(f"the store {path} is a directory (give --store a file)")


def _unusable(path: Path | None, error: Exception) -> StoreUnusable:
    match error:
        case StoreUnusable():
            return error
        case sqlite3.Error():
            problem = _problem(path, error)
        case OSError():
            problem = f"the store {path} cannot be opened: {error.strerror}"
        case schema.NotOurs():
            return StoreUnusable(f"the store {path} {error} ({error.remedy})")
        case _:
            problem = f"the store {path} {error}"
    return StoreUnusable(f"{problem} (give another --store)")


def _problem(path: Path | None, error: sqlite3.Error) -> str:
    match error.sqlite_errorcode & 0xFF:
        case sqlite3.SQLITE_NOTADB:
            return f"the store {path} is not a SQLite database"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return f"the store {path} cannot be opened for writing: {error}"
        case _:
            return f"the store {path} cannot be used: {error}"
