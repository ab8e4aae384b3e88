"""A batch to bytes and back. What comes in is checked once, here."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import accumulate
from operator import attrgetter
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta
from msgspec.structs import astuple, replace

from tenure.wire import columns_backend
from tenure.wire.column_rows import ColumnRows, ColumnTraces
from tenure.wire.columns import Tables
from tenure.wire.errors import UnknownVersion, WireError
from tenure.wire.schema import MAX_ROWS, VERSION, VERSION_2, Batch, Trace


class _VersionOnly(msgspec.Struct):
    version: int


def _fields_of_version_2() -> list[tuple[str, Any] | tuple[str, Any, Any]]:
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for field in msgspec.structs.fields(Batch):
        if field.name == "rows":
            fields += [("count", Annotated[int, Meta(ge=0, le=MAX_ROWS)]), ("columns", bytes)]
        elif field.required:
            fields.append((field.name, field.type))
        else:
            default = field.default if field.default_factory is msgspec.NODEFAULT else []
            fields.append((field.name, field.type, default))
    return fields


# What a batch of version 2 is on the wire: as one of version 1, with columns in place of rows.
_Columnar = msgspec.defstruct("Batch", _fields_of_version_2(), frozen=True, omit_defaults=True)
_HEAD = [field.name for field in msgspec.structs.fields(Batch) if field.name != "rows"]
_BEGINS_VERSION_2 = re.compile(rb"(?:[\x80-\x8f]|\xde..)\xa7version\x02", re.DOTALL)  # as ``encode`` writes it

_encoder = msgspec.msgpack.Encoder()
_encode_json = msgspec.json.Encoder().encode
_read_2 = msgspec.msgpack.Decoder(_Columnar).decode
_read, _read_version = msgspec.msgpack.Decoder(Batch).decode, msgspec.msgpack.Decoder(_VersionOnly).decode
_read_json, _read_json_version = msgspec.json.Decoder(Batch).decode, msgspec.json.Decoder(_VersionOnly).decode


def encode(batch: Batch, version: int = VERSION) -> bytes:
    """Encode a batch as MessagePack.

    ``version`` is the version to write; a batch that version 2 cannot have, because its rows are not in the order of
    their ids, is written as version 1.
    """
    if version == VERSION_2 and (columnar := _columnar_of(batch)) is not None:
        return _encoder.encode(columnar)
    return _encoder.encode(_plain(batch))


def encode_json(batch: Batch) -> bytes:
    """Encode a batch as JSON of version 1, which is the form in a recording."""
    return _encode_json(_plain(batch))


def _plain(batch: Batch) -> Batch:
    """The batch as version 1 has it."""
    if batch.version == VERSION:
        return batch
    return replace(batch, version=VERSION, rows=list(batch.rows), traces=list(batch.traces))


def _columnar_of(batch: Batch) -> object | None:
    rows = batch.rows
    values = {name: getattr(batch, name) for name in _HEAD}
    if isinstance(rows, ColumnRows):
        traces, columns = list(rows.own_traces), rows.columns
    else:
        own = [trace for trace in batch.traces if _is_more_than_its_root(trace)]
        roots = [trace.root for trace in batch.traces]
        written = columns_backend.write(list(map(astuple, rows)), [roots[row.trace] for row in rows])
        if written is None or len({trace.root for trace in own}) < len(own):
            return None
        traces, columns = own, written
        if rows:
            values["base_ns"] += rows[0].acquire_ns
    return _Columnar(**values | {"version": VERSION_2, "traces": traces, "count": len(rows), "columns": columns})


def _is_more_than_its_root(trace: Trace) -> bool:
    return bool(trace.link) or trace.otel_trace_id is not None or trace.otel_parent_id is not None


def decode(data: bytes) -> Batch:
    """Read and check a batch from MessagePack.

    Raises:
        WireError: names the place, "Expected `int`, got `str` - at `$.rows[3][0]`".
        UnknownVersion: this module does not read the batch's version.
    """
    if _BEGINS_VERSION_2.match(data):
        return _decode_version_2(data)
    return _decode(data, _read, _read_version, _decode_version_2)


def decode_json(data: bytes) -> Batch:
    """Read and check a batch from the JSON form that a recording holds; raises as ``decode`` does."""
    return _decode(data, _read_json, _read_json_version, None)


def _decode(
    data: bytes,
    read: Callable[[bytes], Batch],
    read_version: Callable[[bytes], _VersionOnly],
    read_version_2: Callable[[bytes], Batch] | None,
) -> Batch:
    try:
        batch = read(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        version = _version_of(data, read_version)
        if version == VERSION_2 and read_version_2 is not None:
            return read_version_2(data)
        _check_version(version, read_version_2 is not None)
        raise _malformed(error, data) from None
    _check_version(batch.version, read_version_2 is not None)
    _check_references(batch, _ROW_REFERENCES + _REFERENCES)
    _check_propagated(batch)
    _check_times(batch)
    return batch


def _decode_version_2(data: bytes) -> Batch:
    try:
        wire: Any = _read_2(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(error, data) from None
    if wire.version != VERSION_2:
        raise UnknownVersion(f"version {wire.version}, its batch has columns, which are version 2 - at `$.version`")
    sizes = len(wire.tasks), len(wire.resources), len(wire.sites), len(wire.exceptions)
    rows = ColumnRows(wire.columns, wire.count, Tables(wire.base_ns, wire.clock_offset_ns, *sizes), wire.traces)
    head = {name: getattr(wire, name) for name in _HEAD}
    batch = Batch(**head | {"rows": rows, "traces": ColumnTraces(rows)})
    _check_references(batch, _REFERENCES)
    _check_propagated(batch)
    return batch


def _malformed(error: Exception, data: bytes) -> WireError:
    problem = str(error) or type(error).__name__
    return WireError(problem if " at `$" in problem else f"{problem} - at `$`, in {len(data)} bytes")


def _version_of(data: bytes, read_version: Callable[[bytes], _VersionOnly]) -> int:
    """The version of what could not be read: a batch of another version may have another shape."""
    try:
        return read_version(data).version
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return VERSION


def _check_version(version: int, is_binary: bool) -> None:
    if version != VERSION:
        known = "versions 1 and 2" if is_binary else "version 1"
        raise UnknownVersion(f"version {version}, this side reads {known} - at `$.version`")


# The references of a batch: from which table, attribute, its position in the array, to which table, and the number of
# that table's first entry.
_Reference: TypeAlias = tuple[str, str, int, str, int]
_ROW_REFERENCES: tuple[_Reference, ...] = (
    ("rows", "trace", 2, "traces", 0),
    ("rows", "task", 3, "tasks", 0),
    ("rows", "resource", 4, "resources", 0),
    ("rows", "site", 5, "sites", 0),
    ("rows", "body_exception", 11, "exceptions", 1),
    ("rows", "exception", 12, "exceptions", 1),
)
_REFERENCES: tuple[_Reference, ...] = (
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
_getters: dict[str, Callable[[object], int]] = {name: attrgetter(name) for _, name, *_ in _ROW_REFERENCES + _REFERENCES}


def _check_references(batch: Batch, references: tuple[_Reference, ...]) -> None:
    for owner, name, position, table, first in references:
        entries: list[object] = getattr(batch, owner)
        last = len(getattr(batch, table)) - 1 + first
        if entries and max(map(_getters[name], entries)) > last:
            get = _getters[name]
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
