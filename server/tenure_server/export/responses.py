"""What a backend's answer to an export request means, over HTTP or gRPC: accepted, retry later, or refused."""

from __future__ import annotations

from typing import NamedTuple

from tenure_server.opentelemetry.protobuf import Malformed, fields

MAX_RETRY_AFTER_S = 3_600.0  # a longer pause that a backend asks for is cut to this


class Accepted(NamedTuple):
    """``rejected`` items were not accepted and must not be sent again; ``message`` is the reason, or a warning."""

    rejected: int
    message: str


class Retry(NamedTuple):
    """The request can be sent again; ``after_s`` is the pause that the receiver asked for."""

    reason: str
    after_s: float | None


class Refused(NamedTuple):
    """The request must not be sent again; if it ``is_too_large``, its parts may be accepted."""

    reason: str
    is_too_large: bool


Answer = Accepted | Retry | Refused


def read_response(body: bytes) -> Accepted:
    """Read an ExportTraceServiceResponse or ExportMetricsServiceResponse.

    An unreadable one is a success too, because the status of the answer says so.
    """
    rejected, message = 0, b""
    try:
        for number, value in fields(body):
            if number == 1 and isinstance(value, bytes):  # partial_success
                for inner_number, inner in fields(value):
                    if inner_number == 1 and isinstance(inner, int):
                        rejected = inner
                    elif inner_number == 2 and isinstance(inner, bytes):
                        message = inner
    except Malformed:
        return Accepted(0, "")
    return Accepted(rejected, one_line(message.decode(errors="replace")))


def one_line(text: str) -> str:
    return " ".join(text.split())[:300]
