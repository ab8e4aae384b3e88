"""Classifies errors of SQLite: a damaged file, or no free space."""

from __future__ import annotations

import sqlite3

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_NO_ROOM = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,  # EFBIG (RLIMIT_FSIZE) and quotas
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMOPEN,
    sqlite3.SQLITE_IOERR_TRUNCATE,
}


def is_damage(error: BaseException | None) -> bool:
    """Whether the file's content is not what SQLite wrote."""
    return isinstance(error, sqlite3.Error) and _code(error) & 0xFF in _DAMAGE


def is_no_room(error: BaseException | None) -> bool:
    """Whether the disk is full, or the file reached a limit."""
    return isinstance(error, sqlite3.Error) and _code(error) in _NO_ROOM


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0)  # errors of the module itself have none
