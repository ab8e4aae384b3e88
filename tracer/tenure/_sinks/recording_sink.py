"""The recording: one JSON document of all batches, valid after every flush and readable after a crash.

    {"tenure": 1, "batches": [
    <batch>,
    <batch>
    ]}

Each flush is one write over the closing bytes: the next batch and the closing again. A crash in the middle of it leaves
a document that is cut in its last batch. All processes of a tree append to one file: the end is looked up, under a
lock, at each flush.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import msgspec

from tenure import wire
from tenure._core import file_descriptors
from tenure._sinks.losses import Loss
from tenure.errors import UsageError

try:
    import fcntl
except ImportError:  # Windows, where there is no fork either
    fcntl = None  # type: ignore[assignment]

_HEAD = b'{"tenure": 1, "batches": ['
_CLOSING = b"\n]}"
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_encoder = msgspec.json.Encoder()


class Recording:
    """A file to which batches are appended.

    Raises:
        UsageError: the file cannot be written.
    """

    wants_heartbeats = False

    def __init__(self, path: Path, *, append: bool = False) -> None:
        self.path = path.absolute()  # the program may change its directory
        self._file = _continued(path) if append and path.exists() else _opened(path)
        self._identity = file_descriptors.identity(self._file)

    def send(self, batch: wire.Batch) -> None:
        """Append a batch. Raises OSError where the disk is full or the file gone; it ends with the batch before."""
        try:
            self._reopen_if_closed()
            if fcntl is not None:
                fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                self._append(_encoder.encode(batch))
            finally:
                if fcntl is not None:
                    fcntl.lockf(self._file, fcntl.LOCK_UN)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from None

    def settle(self, seconds: float) -> bool:  # noqa: ARG002  # a sink's settling may take so long
        """What was sent is written."""
        return True

    def lost(self) -> list[Loss]:
        """Nothing: what cannot be written is an OSError."""
        return []

    def fork(self) -> Recording:
        """The same file, for a forked child."""
        return self

    def pause(self) -> None:
        """Nothing runs by itself here."""

    def resume(self) -> None:
        """Nothing runs by itself here."""

    def close(self, seconds: float) -> None:  # noqa: ARG002  # a sink's closing may take so long; this one's takes none
        """Close the file; the document was complete before."""
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
        """The program may have closed it, and have a file of its own under its number by now."""
        if file_descriptors.is_still(self._file, self._identity):
            return
        file = file_descriptors.beyond_standard(os.open(self.path, os.O_RDWR | _CLOEXEC))
        if (
            not file_descriptors.is_still(file, self._identity) or os.read(file, len(_HEAD)) != _HEAD
        ):  # numbers are reused
            os.close(file)
            raise OSError(errno.ESTALE, "the program closed the file, and another file has taken its place")
        self._file = file


def _continued(path: Path) -> int:
    """The file that another process of this tree records into."""
    try:
        file = file_descriptors.beyond_standard(os.open(path, os.O_RDWR | _CLOEXEC))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror} (choose another -o path)") from None
    if os.read(file, len(_HEAD)) != _HEAD:
        os.close(file)
        raise UsageError(f"cannot append to {path}: it is no recording (choose another -o path)")
    return file


def _opened(path: Path) -> int:
    try:
        file = file_descriptors.beyond_standard(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | _CLOEXEC, 0o644))
        _write(file, _HEAD + _CLOSING, 0)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror} (choose another -o path)") from None
    return file


def _write(file: int, data: bytes, position: int) -> None:
    """Write at a position; one call of the system's, continued where that took only a part."""
    if not hasattr(os, "pwrite"):
        os.lseek(file, position, os.SEEK_SET)
        while data:
            data = data[os.write(file, data) :]
        return
    while data:
        written = os.pwrite(file, data, position)
        data, position = data[written:], position + written
