"""Detects what other programs do to the files of the store after they were opened.

SQLite does not notice that its file was deleted, replaced or written by another program: it continues with the file
that it has open. A check costs three calls of stat and reads 32 bytes, so it follows each commit.

Only the checkpoints of this program write the database file (``wal_autocheckpoint`` is off). So another modification
time or size means that another program wrote it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

_SUFFIXES = ("", "-wal", "-shm")
_WAL_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
_WAL_HEADER = 32
_SMALLEST = 512  # bytes of a database

Identity = tuple[int, int]


class FileChange(Enum):
    """What another program did to the files."""

    GONE = "was deleted"
    REPLACED = "was replaced by another file"
    LOG_GONE = "has lost its write-ahead log or the log's index (-wal, -shm)"
    LOG_DAMAGED = "has a damaged write-ahead log"
    TRUNCATED = "was truncated"
    TOUCHED = "was written by another program"

    @property
    def consequence(self) -> str:
        """What follows, for the log, in parentheses; empty: a line of its own says it."""
        return _CONSEQUENCES.get(self, "")


_CONSEQUENCES = {
    FileChange.GONE: " (what it held is no longer shown, and new lifecycles go into a new file)",
    FileChange.REPLACED: " (what is there now is shown, and new lifecycles go there)",
    FileChange.LOG_GONE: " (what the log held is written into the database file)",
}


class StoreFiles:
    """The database file, its write-ahead log and the log's index."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self._paths = [self.path.with_name(self.path.name + suffix) for suffix in _SUFFIXES]
        self._identities: list[Identity | None] = [None, None, None]
        self._has_log = False  # the log has content
        self._written: tuple[int, int] = (0, 0)  # modification time of the file, ns, and its size

    def remember(self) -> None:
        """The files have just been opened."""
        self._has_log = False
        self._identities = [_identity(path) for path in self._paths]
        self.remember_written()

    def remember_written(self) -> None:
        """The database file has just been written by this program."""
        with suppress(OSError):
            status = self.path.stat()
            self._written = (status.st_mtime_ns, status.st_size)

    def detect_change(self) -> FileChange | None:
        """What another program has done since; None: nothing."""
        try:
            status = self.path.stat()
        except OSError:
            return FileChange.GONE
        if (status.st_dev, status.st_ino) != self._identities[0]:
            return FileChange.REPLACED
        if status.st_size < _SMALLEST:  # it must not be opened: SQLite would delete the log
            return FileChange.TRUNCATED
        if change := self._log_change():
            return change
        return FileChange.TOUCHED if (status.st_mtime_ns, status.st_size) != self._written else None

    def _log_change(self) -> FileChange | None:
        for path, identity in zip(self._paths[1:], self._identities[1:], strict=True):
            if identity is not None and _identity(path) != identity:
                return FileChange.LOG_GONE
        return None if self._is_log_sound() else FileChange.LOG_DAMAGED

    def log_bytes(self) -> int:
        """The size of the write-ahead log."""
        try:
            return self._paths[1].stat().st_size
        except OSError:
            return 0

    def put_aside(self) -> Path:
        """Rename the files to names with "damaged" and the time; answer the new path of the database file.

        Raises:
            OSError: a file cannot be renamed.
        """
        stem = f"{self.path.name}.damaged-{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}"
        name, again = stem, 1
        while any(self.path.with_name(name + suffix).exists() for suffix in _SUFFIXES):
            again += 1
            name = f"{stem}-{again}"
        for path, suffix in zip(self._paths, _SUFFIXES, strict=True):
            with suppress(FileNotFoundError):
                path.rename(self.path.with_name(name + suffix))
        return self.path.with_name(name)

    def remove_log(self) -> None:
        """Delete the log and the index of a file that is gone: SQLite would apply them to the next file."""
        for path, identity in zip(self._paths[1:], self._identities[1:], strict=True):
            if identity is not None and _identity(path) == identity:
                with suppress(OSError):
                    path.unlink()

    def remove_index(self) -> None:
        """Delete the log's index; SQLite makes it again from the log."""
        with suppress(OSError):
            self._paths[2].unlink()

    def _is_log_sound(self) -> bool:
        try:
            with self._paths[1].open("rb", buffering=0) as log:
                header = log.read(_WAL_HEADER)
        except OSError:
            return True  # there is none
        if len(header) < _WAL_HEADER:
            return not self._has_log
        self._has_log = True  # from now on the log always has a header
        return header.startswith(_WAL_MAGIC)


def identities(path: Path) -> list[Identity | None]:
    """Device and inode of the database file and of its log; None: the file does not exist."""
    return [_identity(path), _identity(path.with_name(path.name + "-wal"))]


def _identity(path: Path) -> Identity | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
