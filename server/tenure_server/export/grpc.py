"""OTLP over gRPC; imported only when a target needs it.

The rules are those of the OpenTelemetry protocol's specification, 1.7
(https://opentelemetry.io/docs/specs/otlp/#otlpgrpc): after some codes the request is retried, with the pause of a
RetryInfo if there is one, and after RESOURCE_EXHAUSTED only if there is one. After any other code the same request must
not be sent again.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import grpc
import grpc.aio

from tenure_server.export.responses import MAX_RETRY_AFTER_S, Answer, Refused, Retry, one_line, read_response
from tenure_server.export.targets import Target
from tenure_server.opentelemetry.certificates import Certificates
from tenure_server.opentelemetry.protobuf import Malformed, fields

_RETRYABLE = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
# The answer to a message over the receiver's limit (4 MiB by default). Its code is RESOURCE_EXHAUSTED, or OUT_OF_RANGE
# from the library tonic, for which the rules above would retry without end.
_TOO_LARGE = re.compile(r"message\b.*\b(larger than|too large|exceeds)", re.IGNORECASE)
_CODES_OF_SIZE = frozenset({grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.OUT_OF_RANGE})
_STATUS = "grpc-status-details-bin"
_OPTIONS = (
    ("grpc.enable_retries", 0),  # the follower retries
    ("grpc.enable_http_proxy", 0),  # as over HTTP, which uses no proxy either
    ("grpc.initial_reconnect_backoff_ms", 100),  # the follower makes the pauses
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


class GrpcSender:
    """Calls one target's Export."""

    def __init__(self, target: Target, timeout_s: float, certificates: Certificates) -> None:
        self.target = target
        self._pem = certificates.pem()
        self._timeout_s = timeout_s
        self._metadata = tuple(target.headers.items())
        self._channel: grpc.aio.Channel | None = None

    async def send(self, body: bytes) -> Answer:
        """Send the request, gzipped; every failure is an answer too."""
        parts = urlsplit(self.target.url)
        if self._channel is None:
            self._channel = self._connect(parts.netloc)
        export: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(parts.path)
        try:
            answer = await export(
                body, timeout=self._timeout_s, metadata=self._metadata, compression=grpc.Compression.Gzip
            )
        except grpc.aio.AioRpcError as error:
            return self._interpret(error)
        return read_response(answer)

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()

    def _connect(self, address: str) -> grpc.aio.Channel:
        if self.target.is_secure:
            return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(*self._pem), _OPTIONS)
        return grpc.aio.insecure_channel(address, _OPTIONS)

    def _interpret(self, error: grpc.aio.AioRpcError) -> Answer:
        code, details = error.code(), one_line(error.details() or "")
        reason = f"{code.name} {details}".rstrip()
        if code in _CODES_OF_SIZE and _TOO_LARGE.search(details):
            return Refused(reason, is_too_large=True)
        pause_s = retry_delay(dict(error.trailing_metadata()).get(_STATUS))
        if code is grpc.StatusCode.DEADLINE_EXCEEDED and "Deadline Exceeded" in details:  # the timeout of this side
            return Retry(f"no answer within {self._timeout_s:g} s", pause_s)
        if code in _RETRYABLE or (code is grpc.StatusCode.RESOURCE_EXHAUSTED and pause_s is not None):
            return Retry(reason, pause_s)
        return Refused(reason, is_too_large=False)


def retry_delay(status: str | bytes | None) -> float | None:
    """The seconds of the RetryInfo in the details of a google.rpc.Status; None where there is none."""
    if not isinstance(status, bytes):
        return None
    try:
        for number, detail in fields(status):
            if number != 3 or not isinstance(detail, bytes):
                continue
            packed = dict(fields(detail))  # google.protobuf.Any
            kind, info = packed.get(1), packed.get(2, b"")
            if isinstance(kind, bytes) and kind.endswith(b"/google.rpc.RetryInfo") and isinstance(info, bytes):
                delay = dict(fields(info)).get(1, b"")
                return _seconds(delay) if isinstance(delay, bytes) else None
    except Malformed:
        pass
    return None


def _seconds(duration: bytes) -> float:
    """The seconds of a google.protobuf.Duration; 0 for a negative one."""
    parts = dict(fields(duration))
    seconds, nanos = (part if isinstance(part := parts.get(n, 0), int) else 0 for n in (1, 2))
    if max(seconds, nanos) >= 1 << 63:
        return 0.0
    return min(seconds + nanos / 1e9, MAX_RETRY_AFTER_S)
