"""Ids outside the process, made from its id and the sequence numbers within it."""

from __future__ import annotations

# Ids outside the process. A multiplication by an odd number is a bijection modulo a power of two, so no two lifecycles
# of one process share an id. Processes start from random numbers.
_ODD = SPAN_STEP = 0x9E3779B97F4A7C15  # the difference between the span ids of consecutive lifecycles
_MASK_64, _MASK_128 = (1 << 64) - 1, (1 << 128) - 1


def span_id(process_id: bytes, lifecycle: int) -> str:
    """Make the OpenTelemetry span id of a lifecycle: 16 hex digits, never all zero."""
    value = (int.from_bytes(process_id[8:], "big") + lifecycle * _ODD) & _MASK_64
    return f"{value or _ODD:016x}"


def trace_id(process_id: bytes, root: int) -> str:
    """Make the trace id of a root lifecycle if the program had no active span: 32 hex digits, never all zero."""
    value = (int.from_bytes(process_id, "big") + root * (_ODD << 64 | _ODD)) & _MASK_128
    return f"{value or _ODD:032x}"


def public_id(process_id: bytes, number: int) -> str:
    """Make the id of a lifecycle, a task or a resource that is unique outside its process."""
    return f"{process_id.hex()}-{number}"
