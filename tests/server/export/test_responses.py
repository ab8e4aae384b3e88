"""The answers of backends, in every encoding."""

from __future__ import annotations

from email.utils import formatdate
from time import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from tenure_server.export.http import CONTENT_TYPE, _error_message, _read_response, _retry_after
from tenure_server.export.responses import Accepted
from tenure_server.opentelemetry.protobuf import Malformed, fields


def partial(rejected: int, message: str) -> bytes:
    told = ExportTracePartialSuccess(rejected_spans=rejected, error_message=message)
    return ExportTraceServiceResponse(partial_success=told).SerializeToString()


@pytest.mark.parametrize(
    ("body", "kind", "answer"),
    [
        (b"", CONTENT_TYPE, Accepted(0, "")),
        (partial(0, ""), CONTENT_TYPE, Accepted(0, "")),
        (partial(7, "too\nold"), CONTENT_TYPE, Accepted(7, "too old")),
        (partial(0, "a warning"), CONTENT_TYPE, Accepted(0, "a warning")),
        (partial(7, "too old")[:-3], CONTENT_TYPE, Accepted(0, "")),
        (b"", "application/json", Accepted(0, "")),
        (
            b'{"partialSuccess": {"rejectedSpans": "7", "errorMessage": "too old"}}', "application/json",
            Accepted(7, "too old"),
        ),
        (b'{"partialSuccess": null}', "application/json", Accepted(0, "")),
        (b"[1]", "application/json", Accepted(0, "")),
        (b"<html>", "text/html", Accepted(0, "")),
    ],
)  # fmt: skip
def test_a_success_is_one_even_where_its_text_cannot_be_read(body: bytes, kind: str, answer: Accepted) -> None:
    """The status says it; a partial success says what was rejected and why, in protobuf or JSON."""
    assert _read_response(body, kind) == answer


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b"\x08\x03\x12\x08too\nmany", CONTENT_TYPE, "too many"),
        (b"\x12\xff", CONTENT_TYPE, ""),
        (b'{"code": 3, "message": "no such tenant"}', "application/json", "no such tenant"),
        (b'"text"', "application/json", ""),
        (b"not\n today", "text/plain", "not today"),
        (b"<html>" * 100, "text/html", ""),
        (b"x" * 1_000, "text/plain", "x" * 300),
    ],
)
def test_the_reason_of_a_refusal_is_one_line(body: bytes, kind: str, message: str) -> None:
    """Of a google.rpc.Status in protobuf or JSON, or of plain text; a page of HTML is no reason."""
    assert _error_message(body, kind) == message


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None), ("7", 7.0), ("0", 0.0), ("-7", None), ("soon", None), ("99999999", 3_600.0),
        (formatdate(0, usegmt=True), 0.0),
    ],
)  # fmt: skip
def test_when_to_come_again(value: str | None, seconds: float | None) -> None:
    """Seconds or a date; never in the past, nor for longer than an hour at a time; what is neither says nothing."""
    assert _retry_after(value) == seconds


def test_when_to_come_again_by_the_clock() -> None:
    """A date is so many seconds from now."""
    assert _retry_after(formatdate(time() + 60, usegmt=True)) == pytest.approx(60, abs=2)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    """No backend can make the exporter stumble."""
    try:
        found = list(fields(data))
    except Malformed:
        return
    assert all(number >= 0 for number, _ in found)
