"""Tenure's open files among the program's.

A program may close every descriptor, as daemons do. The next file that it opens may get the number of one of Tenure's.
So each of these is compared with the file that was opened, before each use. Where a program was started without
standard streams, the first files get their numbers, and the program writes to them. So Tenure's get higher ones.
"""

from __future__ import annotations

import os
from typing import NamedTuple

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_STANDARD = 2  # the highest of them


class Identity(NamedTuple):
    """Identifies an open file, whatever its number. Sockets and pipes have an identity too."""

    device: int
    inode: int


def identity(file: int) -> Identity:
    """The identity of the file that is open under this number.

    Raises:
        OSError: none is.
    """
    if fcntl is None:
        return Identity(0, file)  # sockets have no status there, and programs do not close them by number
    status = os.fstat(file)
    return Identity(status.st_dev, status.st_ino)


def is_still(file: int, known: Identity) -> bool:
    """Whether this file is open under this number still."""
    try:
        return identity(file) == known
    except OSError:
        return False


def beyond_standard(file: int) -> int:
    """The same open file under a number above the standard streams'; a number of theirs is closed."""
    if file > _STANDARD or fcntl is None:
        return file
    try:
        return fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, _STANDARD + 1)
    finally:
        os.close(file)
