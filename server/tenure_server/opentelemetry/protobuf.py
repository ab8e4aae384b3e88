"""The part of Protocol Buffers' wire format that OTLP uses (https://protobuf.dev/programming-guides/encoding/)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

Value = str | bool | int | float

VARINT, FIXED_64, LENGTH, FIXED_32 = 0, 1, 2, 5

_MASK_64 = (1 << 64) - 1
_DOUBLE = struct.Struct("<d")


class Malformed(ValueError):
    """The bytes are not a valid message."""


def varint(number: int) -> bytes:
    """An integer, seven bits a byte; a negative one as its two's complement of 64 bits."""
    number &= _MASK_64
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def tag(field: int, wire_type: int) -> bytes:
    return varint(field << 3 | wire_type)


def message(field: int, content: bytes) -> bytes:
    """A field that holds a message or bytes."""
    return tag(field, LENGTH) + varint(len(content)) + content


def text(field: int, content: str) -> bytes:
    """A string; nothing for an empty one, because a missing field is read as empty."""
    return message(field, content.encode()) if content else b""


def attribute(field: int, key: str, value: Value) -> bytes:
    """A KeyValue of opentelemetry.proto.common.v1 in a repeated field."""
    return message(field, text(1, key) + message(2, _any_value(value)))


def attributes(field: int, values: Mapping[str, Value]) -> bytes:
    """A repeated field of KeyValues, in their order."""
    return b"".join(attribute(field, key, value) for key, value in values.items())


def _any_value(value: Value) -> bytes:
    match value:
        case str():
            return message(1, value.encode())  # also an empty one, which is a value here
        case bool():
            return tag(2, VARINT) + varint(value)
        case int():
            return tag(3, VARINT) + varint(value)
        case float():
            return tag(4, FIXED_64) + _DOUBLE.pack(value)


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: number and value, fixed-length values as bytes. Raises as ``tagged`` does."""
    return ((key >> 3, value) for key, value in tagged(data))


def tagged(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: tag (see ``tag``) and value, fixed-length values as bytes.

    Raises:
        Malformed: the data ends within a field, or has a field of a wire type that is obsolete or unknown.
    """
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        match key & 7:
            case 0:
                value, position = _varint(data, position)
                yield key, value
                continue
            case 1:
                length = 8
            case 2:
                length, position = _varint(data, position)
            case 5:
                length = 4
            case other:
                raise Malformed(f"a field of wire type {other}")
        if position + length > len(data):
            raise Malformed("it ends within a field")
        yield key, data[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while shift < 64 and position < len(data):
        byte = data[position]
        number |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return number & _MASK_64, position
        shift += 7
    raise Malformed("an integer has no end")
