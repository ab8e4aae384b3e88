"""Where files really are, asked of the operating system by the interpreter's own functions.

Programs replace ``os.stat``, ``os.path.islink`` and their like, in tests above all, to catch what blocks an event loop.
The import hook asks while the program imports, so it calls what importlib itself calls: the functions below ``os``.
"""

from __future__ import annotations

import os

try:
    import posix as _system
except ImportError:  # not on POSIX
    import os as _system  # type: ignore[no-redef]

_lstat, _stat, _cwd, _is_posix = _system.lstat, _system.stat, _system.getcwd, os.name == "posix"
_open, _read, _close = _system.open, _system.read, _system.close
_READ_ONLY = _system.O_RDONLY | getattr(_system, "O_CLOEXEC", 0) | getattr(_system, "O_BINARY", 0)
_CHUNK = 1 << 20  # bytes
_readlink = getattr(_system, "readlink", None)
_realpath = os.path.realpath
_TYPE, _LINK = 0o170000, 0o120000  # as in stat.h
_MOST_LINKS = 40  # as the Linux kernel has it; a link that leads to itself ends there


def is_link(path: str) -> bool:
    """Whether this is a symbolic link."""
    try:
        return _lstat(path).st_mode & _TYPE == _LINK
    except (OSError, ValueError):
        return False


def size_and_time(path: str) -> tuple[int, int]:
    """A file's size and the time of its last change in ns.

    Raises:
        OSError: it is not there.
    """
    status = _stat(path)
    return status.st_size, status.st_mtime_ns


def read(path: str) -> bytes:
    """A file's bytes.

    Raises:
        OSError: it cannot be read.
    """
    file, parts = _open(path, _READ_ONLY), []
    try:
        while part := _read(file, _CHUNK):
            parts.append(part)
    finally:
        _close(file)
    return b"".join(parts)


def real(path: str) -> str:
    """The absolute path with every link followed, as by ``os.path.realpath``; what is not there is left as it is."""
    if not _is_posix or _readlink is None:
        return _realpath(path)
    resolved, links = "" if path.startswith("/") else _cwd(), 0
    parts = path.split("/")[::-1]
    while parts:
        part = parts.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            resolved = resolved.rpartition("/")[0]
            continue
        at = f"{resolved.rstrip('/')}/{part}"
        if links < _MOST_LINKS and is_link(at):
            links += 1
            target = _readlink(at)
            resolved = "" if target.startswith("/") else resolved
            parts += target.split("/")[::-1]
        else:
            resolved = at
    return resolved or "/"
