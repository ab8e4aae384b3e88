"""How ``--max-size`` is divided, and the reserve of disk space that is released when the disk is full."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_LARGEST = 16 * 1024 * 1024
_SHARES = 12
_ROW_BYTES = 250  # of the log, at most, for one row of a usual batch


class Budget(NamedTuple):
    """Bytes on the disk for all files: the database file, the write-ahead log and the reserve.

    ``unit`` is a twelfth of the whole, at most 16 MiB. The log has two units, the reserve has two, and ``file`` is the
    rest (None: no limit). The last unit of the file is kept free for the next transactions.
    """

    unit: int
    file: int | None

    @classmethod
    def of(cls, max_bytes: int | None) -> Budget:
        if max_bytes is None:
            return cls(_LARGEST, None)
        unit = min(max_bytes // _SHARES, _LARGEST)
        return cls(unit, max_bytes - 4 * unit)

    @property
    def log(self) -> int:
        return 2 * self.unit

    @property
    def reserve(self) -> int:
        return 0 if self.file is None else 2 * self.unit

    @property
    def group_rows(self) -> int:
        """How many rows one transaction may have, so that the log keeps its limit."""
        return self.unit // _ROW_BYTES


class Reserve:
    """A file of allocated and unused blocks beside the store."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self._size = size

    def allocate(self) -> bool:
        """Allocate the whole reserve. False: there is not enough space."""
        if not self._size:
            return True
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError:
            return False
        try:
            status = os.fstat(descriptor)
            if status.st_size != self._size:
                os.ftruncate(descriptor, 0)
                self._fill(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
            self.release()
            return False
        finally:
            os.close(descriptor)
        return True

    def _fill(self, descriptor: int) -> None:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, self._size)
            return
        left = self._size
        while left:
            left -= os.write(descriptor, bytes(min(left, 1 << 20)))

    def release(self) -> None:
        """Delete the file, so that its blocks are free."""
        with suppress(OSError):
            self.path.unlink()
