"""What a backend's answer to an export request means, whichever way it came: taken, later, or never."""

from __future__ import annotations

from typing import NamedTuple

from tenure_server.opentelemetry.protobuf import Malformed, fields

LONGEST_PAUSE_S = 3_600.0  # that a backend may ask for at a time


class Accepted(NamedTuple):
    """``rejected`` items were not taken, and are not to be sent again; ``message`` says why, or is a warning."""

    rejected: int
    message: str


class Retry(NamedTuple):
    """Not now; ``after_s`` is what the receiver asked for."""

    what: str
    after_s: float | None


class Refused(NamedTuple):
    """Never: what it came with, and whether less at a time might be taken."""

    what: str
    is_too_large: bool


Answer = Accepted | Retry | Refused


def accepted(body: bytes) -> Accepted:
    """Of an ExportTraceServiceResponse or ExportMetricsServiceResponse.

    One that cannot be read is a success all the same: the answer's status says so.
    """
    rejected, message = 0, b""
    try:
        for number, value in fields(body):
            if number == 1 and isinstance(value, bytes):  # partial_success
                for inner, found in fields(value):
                    if inner == 1 and isinstance(found, int):
                        rejected = found
                    elif inner == 2 and isinstance(found, bytes):
                        message = found
    except Malformed:
        return Accepted(0, "")
    return Accepted(rejected, one_line(message.decode(errors="replace")))


def one_line(text: str) -> str:
    return " ".join(text.split())[:300]
