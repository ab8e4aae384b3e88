"""An OpenTelemetry backend for tests: it keeps what it took, and answers as the test wants."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.waiting import until

PROTOBUF = "application/x-protobuf"


class Backend:
    """Answers come from ``answers``, one a request; when there are none left, everything is taken.

    An answer is a status with headers, a number of spans to reject from the end, or "never" for no answer at all.
    """

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[int | tuple[int, dict[str, str]] | str] = []
        self.requests: list[ExportTraceServiceRequest] = []  # all that came, also those that were not taken
        self.headers: list[dict[str, str]] = []
        self.instants: list[float] = []
        self.taken: Counter[str] = Counter()  # by span id
        self.metrics: list[ExportMetricsServiceRequest] = []
        self.metrics_headers: list[dict[str, str]] = []
        self.got_metrics = asyncio.Event()  # that it took
        self.metrics_answer: int | str = 200

    @property
    def spans(self) -> list[Span]:
        """All spans that came."""
        return [span for request in self.requests for span in spans_of(request)]

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    async def until(self, spans: int, seconds: float = 10.0) -> None:
        """Wait until it has taken so many spans, repeated ones included."""
        await until(lambda: self.taken.total() >= spans, seconds)

    async def _take_metrics(self, request: web.Request) -> web.Response:
        assert (request.headers["Content-Type"], request.headers["Content-Encoding"]) == (PROTOBUF, "gzip")
        self.metrics.append(ExportMetricsServiceRequest.FromString(gzip.decompress(await request.read())))
        self.metrics_headers.append(dict(request.headers))
        match self.metrics_answer:
            case 200:
                self.got_metrics.set()
                return web.Response(content_type=PROTOBUF)
            case "never":
                await asyncio.Event().wait()
            case "elsewhere":
                return web.Response(status=307, headers={"Location": f"{self.url}/elsewhere"})
        return web.Response(status=int(self.metrics_answer), text="not today")

    async def take(self, request: web.Request) -> web.StreamResponse:
        assert request.method == "POST"
        if request.path == "/v1/metrics":
            return await self._take_metrics(request)
        assert request.path == "/v1/traces", request.path
        assert request.headers["Content-Type"] == PROTOBUF
        body = await request.read()
        is_packed = request.headers.get("Content-Encoding") == "gzip"
        parsed = ExportTraceServiceRequest.FromString(gzip.decompress(body) if is_packed else body)
        self.requests.append(parsed)
        self.headers.append(dict(request.headers))
        self.instants.append(asyncio.get_running_loop().time())
        spans = list(spans_of(parsed))
        response = ExportTraceServiceResponse()
        match self.answers.pop(0) if self.answers else 0:
            case "never":
                await asyncio.Event().wait()
            case (status, headers):
                return web.Response(status=status, headers=headers, text="not today")
            case int(rejected) if rejected:
                spans = spans[:-rejected]
                response.partial_success.rejected_spans = rejected
                response.partial_success.error_message = "too old"
        self.taken.update(span.span_id.hex() for span in spans)
        return web.Response(body=response.SerializeToString(), content_type=PROTOBUF)


def spans_of(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            yield from scope.spans


@asynccontextmanager
async def serving(backend: Backend, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Backend]:
    """The backend on a port of 127.0.0.1, the same one again when it is given."""
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", backend.take)
    runner = web.AppRunner(app, auto_decompress=False, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
        backend.url = f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}"
        yield backend
    finally:
        await runner.cleanup()
