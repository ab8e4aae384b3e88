"""Keeps a second collector off the same store, whatever name it gives the file."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from tenure_server.errors import StoreUnusable

_held: set[tuple[int, int]] = set()  # device and inode of this process's stores
_guard = threading.Lock()


class Lock:
    """A lock by the name (``PATH-lock``), and on Linux one on the database file itself, by its inode.

    The lock by name holds while the file is deleted. The lock on the file is flock(2), which has nothing to do with
    SQLite's own locks (fcntl) on Linux. But closing any descriptor of the file drops those of the whole process, so
    this one is closed only after the connections are.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock on an existing file. ``take_name`` takes the other one.

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
            if key in _held:
                raise self._in_use()
            _held.add(key)
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
        """Let others have the file. Its connections must be closed."""
        while self._descriptors:
            os.close(self._descriptors.pop())
        with _guard:
            if self._key is not None:
                _held.discard(self._key)
                self._key = None
