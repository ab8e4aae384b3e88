"""Keys: the row of the process in the upper bits, the number within the process in the lower ones.

A key is one integer that grows with time within a process. So new rows stand at the end of their table, a process is a
range of keys, and the order of keys is nearly the order of time.
"""

from __future__ import annotations

from tenure import wire

NUMBER_BITS = 40
NUMBERS = (1 << NUMBER_BITS) - 1

_MODULUS = 1 << 128
_STEP = int(wire.trace_id(bytes(16), 1), 16)  # from one root's trace id to the next one's
_UNSTEP = pow(_STEP, -1, _MODULUS)
_SPAN_MODULUS = 1 << 64
_SPAN_UNSTEP = pow(wire.SPAN_STEP, -1, _SPAN_MODULUS)


def key(process: int, number: int) -> int:
    """The key of a lifecycle, a task or a resource; ``process`` is the row of its process."""
    return process << NUMBER_BITS | number


def process_of(a_key: int) -> int:
    return a_key >> NUMBER_BITS


def number_of(a_key: int) -> int:
    return a_key & NUMBERS


def parse_id(public_id: str) -> tuple[bytes, int] | None:
    """The process id and the number of a ``wire.public_id``; None: the text is not one."""
    process, _, number = public_id.partition("-")
    if not (len(process) == 32 and number.isascii() and number.isdigit() and len(number) <= 13):
        return None
    parsed = parse_hex(process)
    return None if parsed is None or int(number) > NUMBERS else (parsed, int(number))


def parse_hex(text: str) -> bytes | None:
    """The 16 bytes of a process id or a trace id; None: the text is not 32 lower-case hex digits."""
    if len(text) != 32 or not set(text) <= set("0123456789abcdef"):
        return None
    return bytes.fromhex(text)


def root_of(trace_id: bytes, process_id: bytes) -> int | None:
    """The number of the root whose ``wire.trace_id`` in this process is this one; None: there is no such number."""
    difference = int.from_bytes(trace_id, "big") - int.from_bytes(process_id, "big")
    root = difference * _UNSTEP % _MODULUS
    return root if 0 < root <= NUMBERS else None


def number_of_span(span: int, process_id: bytes) -> int | None:
    """The number whose ``wire.span_id`` (signed, 64 bits) in this process is this one; None: there is none."""
    number = (span - int.from_bytes(process_id[8:], "big")) * _SPAN_UNSTEP % _SPAN_MODULUS
    return number if 0 < number <= NUMBERS else None
