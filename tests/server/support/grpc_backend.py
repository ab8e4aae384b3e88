"""The backend for tests that speaks OTLP over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_service
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_service
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from tests.server.support.otlp_backend import Backend, spans_of


class Code(NamedTuple):
    """An answer other than OK; with a RetryInfo where ``after_s`` is one."""

    code: grpc.StatusCode
    details: str = "not today"
    after_s: float | None = None

    @property
    def metadata(self) -> tuple[tuple[str, bytes], ...]:
        if self.after_s is None:
            return ()
        packed = Any()
        packed.Pack(RetryInfo(retry_delay=Duration(nanos=round(self.after_s * 1e9) % 10**9, seconds=int(self.after_s))))
        status = Status(code=self.code.value[0], message=self.details, details=[packed])
        return (("grpc-status-details-bin", status.SerializeToString()),)


class GrpcBackend(Backend, trace_service.TraceServiceServicer):
    """As the other; ``codes`` are answered before ``answers``."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: list[Code] = []

    async def Export(  # noqa: N802 -- the service's method
        self, request: ExportTraceServiceRequest, context: grpc.aio.ServicerContext
    ) -> ExportTraceServiceResponse:
        self.requests.append(request)
        self.headers.append({name: str(value) for name, value in context.invocation_metadata() or ()})
        self.instants.append(asyncio.get_running_loop().time())
        if self.codes:
            answer = self.codes.pop(0)
            await context.abort(answer.code, answer.details, answer.metadata)
        spans = list(spans_of(request))
        response = ExportTraceServiceResponse()
        match self.answers.pop(0) if self.answers else 0:
            case "never":
                await asyncio.Event().wait()
            case int(rejected) if rejected:
                spans = spans[:-rejected]
                response.partial_success.rejected_spans = rejected
                response.partial_success.error_message = "too old"
        self.taken.update(span.span_id.hex() for span in spans)
        return response


class _Metrics(metrics_service.MetricsServiceServicer):
    def __init__(self, backend: GrpcBackend) -> None:
        self._backend = backend

    async def Export(  # noqa: N802 -- the service's method
        self, request: ExportMetricsServiceRequest, context: grpc.aio.ServicerContext
    ) -> ExportMetricsServiceResponse:
        self._backend.metrics.append(request)
        self._backend.got_metrics.set()
        self._backend.metrics_headers.append({name: str(value) for name, value in context.invocation_metadata() or ()})
        if self._backend.metrics_answer != 200:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "no metrics here")
        return ExportMetricsServiceResponse()


@asynccontextmanager
async def serving_grpc(
    backend: GrpcBackend, port: int = 0, credentials: grpc.ServerCredentials | None = None, largest: int = 4 << 20
) -> AsyncIterator[GrpcBackend]:
    """The backend on a port of 127.0.0.1, the same one again when it is given; ``largest`` message in bytes."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", largest), ("grpc.so_reuseport", 0)])
    trace_service.add_TraceServiceServicer_to_server(backend, server)
    metrics_service.add_MetricsServiceServicer_to_server(_Metrics(backend), server)
    address = f"127.0.0.1:{port}"
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    await server.start()
    backend.url = f"{'grpcs' if credentials else 'grpc'}://127.0.0.1:{port}"
    try:
        yield backend
    finally:
        await server.stop(0)
