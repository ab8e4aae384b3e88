"""A batch to bytes and back. What comes in is checked once, here."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from operator import attrgetter

import msgspec

from tenure.wire.schema import VERSION, Batch


class WireError(ValueError):
    """The bytes are not a valid batch: malformed, a wrong type, beyond a limit, or a reference to a missing entry."""


class UnknownVersion(WireError):
    """The batch has a version that this module does not read."""


class _VersionOnly(msgspec.Struct):
    version: int


_encoder = msgspec.msgpack.Encoder()
_read, _read_version = msgspec.msgpack.Decoder(Batch).decode, msgspec.msgpack.Decoder(_VersionOnly).decode
_read_json, _read_json_version = msgspec.json.Decoder(Batch).decode, msgspec.json.Decoder(_VersionOnly).decode


def encode(batch: Batch) -> bytes:
    """Encode a batch as MessagePack."""
    return _encoder.encode(batch)


def decode(data: bytes) -> Batch:
    """Read and check a batch from MessagePack.

    Raises:
        WireError: names the place, "Expected `int`, got `str` - at `$.rows[3][0]`".
        UnknownVersion: this module does not read the batch's version.
    """
    return _decode(data, _read, _read_version)


def decode_json(data: bytes) -> Batch:
    """Read and check a batch from the JSON form that a recording holds; raises as ``decode`` does."""
    return _decode(data, _read_json, _read_json_version)


def _decode(data: bytes, read: Callable[[bytes], Batch], read_version: Callable[[bytes], _VersionOnly]) -> Batch:
    try:
        batch = read(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _check_version(data, read_version)
        problem = str(error) or type(error).__name__
        raise WireError(problem if " at `$" in problem else f"{problem} - at `$`, in {len(data)} bytes") from None
    if batch.version != VERSION:
        raise UnknownVersion(f"version {batch.version}, this side reads version {VERSION} - at `$.version`")
    _check_references(batch)
    _check_propagated(batch)
    _check_times(batch)
    return batch


def _check_version(data: bytes, read_version: Callable[[bytes], _VersionOnly]) -> None:
    """Report another version as such: a batch of another version may have another shape."""
    try:
        version = read_version(data).version
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    if version != VERSION:
        raise UnknownVersion(f"version {version}, this side reads version {VERSION} - at `$.version`")


# The references of a batch: from which table, attribute, its position in the array, to which table, and the number of
# that table's first entry.
_REFERENCES: tuple[tuple[str, str, int, str, int], ...] = (
    ("rows", "trace", 2, "traces", 0),
    ("rows", "task", 3, "tasks", 0),
    ("rows", "resource", 4, "resources", 0),
    ("rows", "site", 5, "sites", 0),
    ("rows", "body_exception", 11, "exceptions", 1),
    ("rows", "exception", 12, "exceptions", 1),
    ("pools", "resource", 0, "resources", 0),
    ("responses", "row", 0, "rows", 0),
    ("releases", "row", 0, "rows", 0),
    ("releases", "task", 1, "tasks", 0),
    ("awaits", "task", 0, "tasks", 0),
    ("awaits", "site", 3, "sites", 1),
    ("awaits", "resource", 4, "resources", 1),
    ("stalls", "task", 5, "tasks", 1),
    ("stalls", "site", 6, "sites", 1),
    ("tasks", "exception", 9, "exceptions", 1),
    ("cancellers", "exception", 0, "exceptions", 1),
    ("cancellers", "task", 1, "tasks", 1),
    ("cancellers", "site", 3, "sites", 1),
)
_getters: list[Callable[[object], int]] = [attrgetter(name) for _, name, *_ in _REFERENCES]


def _check_references(batch: Batch) -> None:
    for get, (owner, _, position, table, first) in zip(_getters, _REFERENCES, strict=True):
        entries: list[object] = getattr(batch, owner)
        last = len(getattr(batch, table)) - 1 + first
        if entries and max(map(get, entries)) > last:
            i = next(i for i, entry in enumerate(entries) if get(entry) > last)
            raise WireError(f"{get(entries[i])} names no entry of `{table}` - at `$.{owner}[{i}][{position}]`")


def _check_propagated(batch: Batch) -> None:
    last = len(batch.rows) - 1
    for i, row in enumerate(batch.propagated):
        if row > last:
            raise WireError(f"{row} names no entry of `rows` - at `$.propagated[{i}]`")


def _check_times(batch: Batch) -> None:
    """Wall times stay below half the range of a signed 64-bit integer, so that adding durations cannot overflow."""
    acquired = accumulate((row.acquire_ns for row in batch.rows), initial=batch.base_ns + batch.clock_offset_ns)
    for i, wall_ns in enumerate(acquired, -1):
        if not 0 <= wall_ns < 1 << 62 and i >= 0:
            raise WireError(f"wall time {wall_ns} ns is out of range - at `$.rows[{i}][6]`")
