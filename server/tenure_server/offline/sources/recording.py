"""Reads a file of ``tenure run -o FILE.json``, also if the program was killed while it wrote the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tenure import wire
from tenure_server.errors import UsageError


class RecordingFile(msgspec.Struct, frozen=True):
    """The batches in the order of the file. ``cut`` says why the last one could not be read; None: all are read."""

    batches: list[wire.Batch]
    cut: str | None
    written_ns: int  # when the file was last written


class _File(msgspec.Struct):
    tenure: int
    batches: list[msgspec.Raw]


def read_recording(path: Path) -> RecordingFile:
    """Read a recording; of an incomplete file the complete batches.

    Raises:
        UsageError: the file cannot be read, or is not a recording.
    """
    try:
        data = path.read_bytes()
        written_ns = path.stat().st_mtime_ns
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror} (give a recording or a collector's URL)") from None
    try:
        file = msgspec.json.decode(data, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_cut(path, data, written_ns)
    if file.tenure != 1:
        raise UsageError(
            f"{path} is a recording of version {file.tenure}, this program reads version 1 (update tenure-server)"
        )
    batches = []
    for number, raw in enumerate(file.batches, 1):
        try:
            batches.append(wire.decode_json(bytes(raw)))
        except wire.WireError as error:
            raise UsageError(f"batch {number} of {path} is damaged: {error} (record it again)") from None
    return RecordingFile(batches, None, written_ns)


def _read_cut(path: Path, data: bytes, written_ns: int) -> RecordingFile:
    text = data.decode(errors="replace")
    head = '"batches"'
    if not text.lstrip().startswith("{") or '"tenure"' not in text[:100] or head not in text[:200]:
        raise UsageError(f"{path} is not a recording (make one with `tenure run -o FILE.json`)")
    batches: list[wire.Batch] = []
    cut = "it ends before its last batch"
    try:
        for piece in _pieces(text, text.index(head) + len(head)):
            batches.append(wire.decode_json(piece.encode()))  # noqa: PERF401 -- batches before an error count
    except (ValueError, RecursionError) as error:
        cut = f"batch {len(batches) + 1} is cut off: {error}"
    return RecordingFile(batches, cut, written_ns)


def _pieces(text: str, start: int) -> Iterator[str]:
    """The texts of the elements of an array.

    Raises:
        ValueError: an element is incomplete.
    """
    decoder = json.JSONDecoder()
    position = text.index("[", start) + 1
    while True:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        if position >= len(text) or text[position] == "]":
            return
        _, end = decoder.raw_decode(text, position)
        yield text[position:end]
        position = end
