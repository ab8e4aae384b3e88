"""Prevents that two collectors open the same store, also by two names of its file."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from tenure_server.errors import StoreUnusable

_locked: set[tuple[int, int]] = set()  # device and inode of the stores that this process has locked
_guard = threading.Lock()


class Lock:
    """A lock by name (``PATH-lock``), and on Linux one on the database file itself, by its inode.

    The lock by name remains when the file is deleted. The lock on the file is flock(2), which on Linux is independent
    of SQLite's locks (fcntl). But closing any descriptor of the file releases the fcntl locks of the whole process. So
    this descriptor is closed after the connections.
    """

    def __init__(self, path: Path) -> None:
        """Lock an existing file. ``take_name`` takes the lock by name.

        Raises:
            StoreUnusable: another collector has it.
        """
        self._path = path
        self._real = Path(os.path.realpath(path))
        self._descriptors: list[int] = []
        self._key: tuple[int, int] | None = None
        try:
            self._take_file()
        except BaseException:
            self.release()
            raise

    def take_name(self) -> None:
        """Take the lock by name.

        Raises:
            StoreUnusable: another collector has it, or its file cannot be made.
        """
        self._flock(self._real.with_name(self._real.name + "-lock"), os.O_CREAT)

    def _take_file(self) -> None:
        status = self._real.stat()
        key = (status.st_dev, status.st_ino)
        with _guard:
            if key in _locked:
                raise self._in_use()
            _locked.add(key)
            self._key = key
        if sys.platform == "linux":
            self._flock(self._real, 0)

    def _flock(self, path: Path, flags: int) -> None:
        if sys.platform == "win32":
            return
        import fcntl  # noqa: PLC0415 -- POSIX only

        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o644)
        except OSError as error:
            raise StoreUnusable(
                f"the store {self._path} cannot be opened for writing: {error.strerror} (give another --store)"
            ) from None
        self._descriptors.append(descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise self._in_use() from None

    def _in_use(self) -> StoreUnusable:
        return StoreUnusable(
            f"the store {self._path} is in use by another collector (stop it, or give another --store)"
        )

    def release(self) -> None:
        """Release both locks. The connections must be closed before."""
        while self._descriptors:
            os.close(self._descriptors.pop())
        with _guard:
            if self._key is not None:
                _locked.discard(self._key)
                self._key = None
