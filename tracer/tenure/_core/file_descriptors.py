"""Our open files among the program's.

A program may close every descriptor that there is, ours too, as daemons do; the next file that it opens comes under
the number that was ours. So an open file of ours is looked at before each use: is it the one that was opened? And where
a program was started without standard streams, what is opened first takes their numbers, and gets what the program
writes to them. So ours take others.
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
    """What an open file is, whatever its number: a socket or a pipe has one as well as a file on disk."""

    device: int
    inode: int


def identity(file: int) -> Identity:
    """What is open under this number. Raises OSError where nothing is."""
    if fcntl is None:
        return Identity(0, file)  # sockets have no status there, and descriptors are none of a program's business
    status = os.fstat(file)
    return Identity(status.st_dev, status.st_ino)


def is_still(file: int, known: Identity) -> bool:
    """Whether this is open under this number, and nothing else."""
    try:
        return identity(file) == known
    except OSError:
        return False


def beyond_standard(file: int) -> int:
    """The same open file under a number that no standard stream has; the one given is closed where it is one."""
    if file > _STANDARD or fcntl is None:
        return file
    try:
        return fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, _STANDARD + 1)
    finally:
        os.close(file)
