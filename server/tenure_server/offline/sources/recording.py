"""Reads what ``tenure run -o FILE.json`` wrote, also where the program was killed while it wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tenure import wire
from tenure_server.errors import UsageError


class Recording(msgspec.Struct, frozen=True):
    """The batches, in the order they were written; ``cut`` says why the last could not be read, where it could not."""

    batches: list[wire.Batch]
    cut: str | None
    written_ns: int  # when the file was last written


class _File(msgspec.Struct):
    tenure: int
    batches: list[msgspec.Raw]


def read_recording(path: Path) -> Recording:
    """Read a recording; of one that was cut off, what is whole.

    Raises:
        UsageError: the file cannot be read, or is no recording.
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
    return Recording(batches, None, written_ns)


def _read_cut(path: Path, data: bytes, written_ns: int) -> Recording:
    text = data.decode(errors="replace")
    head = '"batches"'
    if not text.lstrip().startswith("{") or '"tenure"' not in text[:100] or head not in text[:200]:
        raise UsageError(f"{path} is not a recording (make one with `tenure run -o FILE.json`)")
    batches: list[wire.Batch] = []
    cut = "it ends before its last batch"
    try:
        for piece in _pieces(text, text.index(head) + len(head)):
            batches.append(wire.decode_json(piece.encode()))  # noqa: PERF401 -- what is read before an error counts
    except (ValueError, RecursionError) as error:
        cut = f"batch {len(batches) + 1} is cut off: {error}"
    return Recording(batches, cut, written_ns)


def _pieces(text: str, start: int) -> Iterator[str]:
    """The text of one array element after another.

    Raises:
        ValueError: an element is not whole.
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
