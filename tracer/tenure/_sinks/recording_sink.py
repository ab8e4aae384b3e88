"""The sink that writes a recording: one JSON document of all batches, valid after every flush, readable after a crash.

    {"tenure": 1, "batches": [
    <batch>,
    <batch>
    ]}

Each flush overwrites the closing bytes by the next batch and the closing bytes again, in one write. A crash during the
write leaves a document that is cut in its last batch. All processes of a tree append to one file: each flush looks
up the end of the file, under a lock.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tenure._core import file_descriptors
from tenure._sinks.losses import Loss
from tenure.errors import UsageError

if TYPE_CHECKING:
    from tenure import wire

try:
    import fcntl
except ImportError:  # Windows, where there is no fork either
    fcntl = None  # type: ignore[assignment]

_HEAD = b'{"tenure": 1, "batches": ['
_CLOSING = b"\n]}"
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)


class RecordingSink:
    """A file to which batches are appended.

    Raises:
        UsageError: the file cannot be written.
    """

    wants_heartbeats = False

    def __init__(self, path: Path, *, append: bool = False) -> None:
        self.path = path.absolute()  # the program may change its directory
        self._file = _open_existing(path) if append and path.exists() else _create(path)
        self._identity = file_descriptors.identity(self._file)

    def send(self, batch: wire.Batch) -> None:
        """Append a batch.

        Raises:
            OSError: the disk is full or the file is gone; the document ends with the previous batch.
        """
        from tenure.wire import encode_json  # noqa: PLC0415  # see ``late_imports``

        try:
            self._reopen_if_closed()
            if fcntl is not None:
                fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                self._append(encode_json(batch))
            finally:
                if fcntl is not None:
                    fcntl.lockf(self._file, fcntl.LOCK_UN)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from None

    def settle(self, seconds: float) -> bool:  # noqa: ARG002  # the protocol's parameter
        """Return True: ``send`` has written everything."""
        return True

    def lost(self) -> list[Loss]:
        """Return nothing: ``send`` raises OSError for a batch that cannot be written."""
        return []

    def fork(self) -> RecordingSink:
        """Return the same sink: a forked child appends to the same file."""
        return self

    def pause(self) -> None:
        """Do nothing: this sink has no thread."""

    def resume(self) -> None:
        """Do nothing: this sink has no thread."""

    def close(self, seconds: float) -> None:  # noqa: ARG002  # the protocol's parameter
        """Close the file; the document is complete after every ``send``."""
        if file_descriptors.is_still(self._file, self._identity):
            os.close(self._file)

    def _append(self, data: bytes) -> None:
        end = os.fstat(self._file).st_size - len(_CLOSING)
        separator = b"\n" if end == len(_HEAD) else b",\n"
        try:
            _write(self._file, separator + data + _CLOSING, end)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, end)
                _write(self._file, _CLOSING, end)
            raise

    def _reopen_if_closed(self) -> None:
        """Reopen the file if the program closed it; its descriptor number may belong to a file of the program now."""
        if file_descriptors.is_still(self._file, self._identity):
            return
        file = file_descriptors.beyond_standard(os.open(self.path, os.O_RDWR | _CLOEXEC))
        if (
            not file_descriptors.is_still(file, self._identity) or os.read(file, len(_HEAD)) != _HEAD
        ):  # numbers are reused
            os.close(file)
            raise OSError(errno.ESTALE, "the program closed the file, and another file has taken its place")
        self._file = file


def _open_existing(path: Path) -> int:
    """Open the file into which another process of this tree records."""
    try:
        file = file_descriptors.beyond_standard(os.open(path, os.O_RDWR | _CLOEXEC))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror} (choose another -o path)") from None
    if os.read(file, len(_HEAD)) != _HEAD:
        os.close(file)
        raise UsageError(f"cannot append to {path}: it is not a recording (choose another -o path)")
    return file


def _create(path: Path) -> int:
    try:
        file = file_descriptors.beyond_standard(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | _CLOEXEC, 0o644))
        _write(file, _HEAD + _CLOSING, 0)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror} (choose another -o path)") from None
    return file


def _write(file: int, data: bytes, position: int) -> None:
    """Write at a position; one system call, repeated if it wrote only a part."""
    if not hasattr(os, "pwrite"):
        os.lseek(file, position, os.SEEK_SET)
        while data:
            data = data[os.write(file, data) :]
        return
    while data:
        written = os.pwrite(file, data, position)
        data, position = data[written:], position + written
