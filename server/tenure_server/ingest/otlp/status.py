"""Answers as OTLP/HTTP specifies them: in the content type of the request, an error as a google.rpc.Status.

https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
"""

from __future__ import annotations

import msgspec
from aiohttp import web

from tenure_server.http import problems
from tenure_server.opentelemetry import protobuf

PATH = "/v1/traces"
PROTOBUF, JSON = "application/x-protobuf", "application/json"

_UNKNOWN = 2
_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 413: 8, 415: 3, 429: 8, 500: 13, 503: 14}  # google.rpc.Code


class Status(msgspec.Struct, frozen=True):
    """google.rpc.Status: ``code`` is a google.rpc.Code, ``message`` describes the error for people."""

    code: int
    message: str


class PartialSuccess(msgspec.Struct, frozen=True, rename="camel"):
    """How many spans were not stored, and why. ``rejectedSpans`` is a text: OTLP writes 64-bit integers so in JSON."""

    rejected_spans: str
    error_message: str


class Response(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """ExportTraceServiceResponse. It is empty if all spans are stored."""

    partial_success: PartialSuccess | None = None


def response(request: web.Request, rejected: int, why: str) -> web.Response:
    """The answer 200: the valid spans are committed, ``rejected`` ones are not."""
    if request.content_type == PROTOBUF:
        partial = protobuf.tag(1, protobuf.VARINT) + protobuf.varint(rejected) + protobuf.text(2, why)
        return web.Response(body=protobuf.message(1, partial) if rejected else b"", content_type=PROTOBUF)
    answer = Response(PartialSuccess(str(rejected), why) if rejected else None)
    return web.Response(body=msgspec.json.encode(answer), content_type=JSON)


@web.middleware
async def statuses(request: web.Request, handler: problems.Handler) -> web.StreamResponse:
    """Turn the problem documents of this address into a Status. It stands outside the middleware that makes them."""
    answer = await handler(request)
    if request.path != PATH or answer.status < 400 or not isinstance(answer, web.Response):
        return answer
    assert isinstance(answer.body, bytes)
    detail = msgspec.json.decode(answer.body, type=problems.ProblemDocument).detail
    code = _CODES.get(answer.status, _UNKNOWN)
    headers = {name: value for name, value in answer.headers.items() if name not in {"Content-Type", "Content-Length"}}
    if request.content_type == PROTOBUF:
        body = protobuf.tag(1, protobuf.VARINT) + protobuf.varint(code) + protobuf.text(2, detail)
        return web.Response(status=answer.status, body=body, content_type=PROTOBUF, headers=headers)
    body = msgspec.json.encode(Status(code, detail))
    return web.Response(status=answer.status, body=body, content_type=JSON, headers=headers)
