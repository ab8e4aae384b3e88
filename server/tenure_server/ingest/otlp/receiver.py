"""POST /v1/traces: OTLP/HTTP from any OpenTelemetry SDK or collector. 200 means that the spans are committed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from aiohttp import web

from tenure_server.errors import RequestRefused, StoreError
from tenure_server.http.app_keys import HUB, REFUSALS, STORE
from tenure_server.http.request_body import read_body
from tenure_server.http.routes import Route
from tenure_server.ingest.otlp import from_json, from_protobuf, status
from tenure_server.ingest.otlp.batches import Rejected, batches
from tenure_server.ingest.otlp.spans import MalformedRequest, TooMany
from tenure_server.store import Spans

_LARGE = 16 * 1024  # bytes; decoding a larger body would block the event loop for too long
_READERS = {status.PROTOBUF: from_protobuf.read, status.JSON: from_json.read}


async def post_traces(request: web.Request) -> web.Response:
    """Store the valid spans of a request, all or none."""
    try:
        spans, rejected = await _read(request)
        await request.app[STORE].write_spans(spans)
    except RequestRefused as refused:
        request.app[REFUSALS].count(refused.reason)
        raise
    except StoreError as error:
        request.app[REFUSALS].count(type(error).__name__)
        raise
    for spans_of_process in spans:
        request.app[HUB].publish(spans_of_process.batch)
    return status.response(request, rejected.total(), _rejection_message(rejected))


async def _read(request: web.Request) -> tuple[list[Spans], Rejected]:
    kind = request.content_type
    if kind not in _READERS:
        accepted = " or ".join(_READERS)
        raise RequestRefused(415, "content_type", f"unsupported Content-Type {kind[:80]!r} (send {accepted})")
    try:
        return await read_body(request, partial(_decode, kind), _LARGE)
    except MalformedRequest as error:
        raise RequestRefused(400, "malformed", f"not an ExportTraceServiceRequest: {error}") from None
    except TooMany as error:
        raise RequestRefused(413, "too_large", str(error)) from None


def _decode(kind: str, body: bytes) -> tuple[list[Spans], Rejected]:
    return batches(_READERS[kind](body))


def _rejection_message(rejected: Rejected) -> str:
    return "; ".join(f"{count} with {defect}" for defect, count in rejected.most_common())


_BOTH: Sequence[str] = (status.PROTOBUF, status.JSON)

ROUTES = [
    Route(
        "POST",
        status.PATH,
        post_traces,
        "Store the spans of an ExportTraceServiceRequest (OTLP/HTTP). 200: all spans that partialSuccess does not"
        " reject are committed. Sending spans again changes nothing.",
        answers={status.PROTOBUF: None, status.JSON: status.Response},
        takes=_BOTH,
        errors=[400, 408, 413, 415, 503],
        errors_as={status.PROTOBUF: None, status.JSON: status.Status},
    )
]
