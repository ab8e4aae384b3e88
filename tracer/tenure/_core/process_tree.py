"""The processes that are recorded together: one root, and the Python processes that it and they start.

$TENURE_TREE names the root's process id and a small file, to which each process appends a line:

    started PID        it has begun to record; helpers of multiprocessing, which end after the root, are left out
    recorded PID       it has recorded a lifecycle
    said SUBJECT       it has written a line to stderr that one process of the tree writes for all

The root makes the file and removes it at its end.
"""

from __future__ import annotations

import contextlib
import os
from typing import NamedTuple

VARIABLE = "TENURE_TREE"


class ProcessTree(NamedTuple):
    """The tree of this process; ``path`` is "" where no file could be made, and then each process stands alone."""

    root: int
    path: str

    @property
    def is_root(self) -> bool:
        """Whether this process is the root."""
        return self.root == os.getpid()

    def note_started(self) -> None:
        """Let the root know that this process has begun."""
        self._append(f"started {os.getpid()}")

    def others(self) -> set[int]:
        """The ids of the other processes that have begun or have recorded a lifecycle."""
        lines = [line.split() for line in self._lines() if line.startswith(("started ", "recorded "))]
        return {int(pid) for _, pid in lines} - {os.getpid()}

    def note_recorded(self) -> None:
        """Let the others know that this process has recorded a lifecycle."""
        self._append(f"recorded {os.getpid()}")

    def recorded(self) -> set[int]:
        """The ids of the processes that have recorded a lifecycle."""
        return {int(line.split()[1]) for line in self._lines() if line.startswith("recorded ")}

    def claim(self, subject: str) -> bool:
        """Whether this process may say this line: True once in a tree, for the process that asks first."""
        if not self.path:
            return True
        line = f"said {subject}"
        with contextlib.suppress(OSError), open(self.path, "r+", encoding="utf-8") as file:  # noqa: PTH123
            _lock(file.fileno())
            if line in file.read().splitlines():
                return False
            file.write(f"{line}\n")
        return True

    def close(self) -> None:
        """At the root's end: remove the file."""
        if self.is_root and self.path:
            with contextlib.suppress(OSError):
                os.unlink(self.path)  # noqa: PTH108

    def _append(self, line: str) -> None:
        if self.path:
            with contextlib.suppress(OSError):
                file = os.open(self.path, os.O_WRONLY | os.O_APPEND)
                try:
                    os.write(file, f"{line}\n".encode())
                finally:
                    os.close(file)

    def _lines(self) -> list[str]:
        if not self.path:
            return []
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
                return file.read().splitlines()
        except OSError:
            return []


def from_environment() -> ProcessTree | None:
    """The tree that $TENURE_TREE names; None if the variable is not set or has no process id."""
    root, _, path = os.environ.get(VARIABLE, "").partition(":")
    return ProcessTree(int(root), path) if root.isdecimal() else None


def create() -> ProcessTree:
    """Make a tree with this process as its root, and let its children inherit it by $TENURE_TREE."""
    import tempfile  # noqa: PLC0415  # it takes long to import, and only a root needs it

    try:
        file, path = tempfile.mkstemp(prefix="tenure-", suffix=".tree")
        os.close(file)
    except OSError:
        path = ""
    os.environ[VARIABLE] = f"{os.getpid()}:{path}"
    return ProcessTree(os.getpid(), path)


def is_alive(pid: int) -> bool:
    """Whether a process with this id runs, and this one may send it a signal; not one that only waits to be reaped."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return True  # there is no /proc on this system


def _lock(file: int) -> None:
    try:
        import fcntl  # noqa: PLC0415  # not on Windows
    except ImportError:
        return
    fcntl.lockf(file, fcntl.LOCK_EX)
