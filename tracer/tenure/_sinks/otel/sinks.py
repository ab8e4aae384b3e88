"""The sinks for spans: the program's own TracerProvider, or an OTLP/HTTP address."""

from __future__ import annotations

import random
from collections import deque
from urllib.parse import unquote

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from tenure import semconv, wire
from tenure._core.installation import installed_version
from tenure._core.stderr import say
from tenure._sinks.http_client import ConnectionFailed, Endpoint
from tenure._sinks.losses import Loss
from tenure._sinks.otel.emitter import Emitter, LifecycleIds
from tenure._sinks.otel.worker import Worker
from tenure.errors import UsageError

VERSION = installed_version()
HEADERS_VARIABLE = "OTEL_EXPORTER_OTLP_HEADERS"
SPANS_PER_REQUEST = 512
MAX_WAITING_SPANS = 50_000
_RETRYABLE = frozenset({429, 502, 503, 504})  # by OTLP's specification
_FIRST_PAUSE, _LONGEST_PAUSE, _LONGEST_RETRY_AFTER = 0.25, 10.0, 60.0  # seconds


class ProgramSpans(Worker):
    """Emits into the provider that the program configures, before or after this."""

    def __init__(self) -> None:
        self._emitter = Emitter(trace.get_tracer(semconv.SCOPE, VERSION))
        super().__init__()

    def take(self, batch: wire.Batch) -> None:
        self._emitter.take(batch)

    def fork(self) -> ProgramSpans:
        """A sink for a forked child, which has the same provider."""
        return ProgramSpans()


class Otlp(Worker):
    """Sends spans to an OpenTelemetry collector or backend, by OTLP/HTTP.

    Raises:
        UsageError: the URL or $OTEL_EXPORTER_OTLP_HEADERS is malformed.
    """

    name = "otlp"

    def __init__(self, url: str, headers: str = "") -> None:
        if url.startswith(("grpc:", "grpcs:")):
            raise UsageError(
                f"{url!r} is a gRPC address, and a traced program exports by OTLP/HTTP only: gRPC's threads do not"
                " survive a fork (give an address such as http://127.0.0.1:4318, or export from the collector:"
                f" tenure serve --otlp {url})"
            )
        self.url, self._headers = url, headers
        request_headers = parse_headers(headers) | {"Content-Type": "application/x-protobuf"}
        self._endpoint = Endpoint(
            url,
            path="/v1/traces",
            headers=request_headers,
            url_kind="OTLP/HTTP address",
            example="http://127.0.0.1:4318",
        )
        self._emitter: Emitter | None = None
        self._ended = EndedSpans()
        self._body: bytes | None = None  # of the next request
        self._body_spans = 0
        self._failures = 0
        self._refusal = ""  # the reason of the last refusal
        self.where = f"OpenTelemetry at {url}"
        self._logged: set[str] = set()
        super().__init__()

    def fork(self) -> Otlp:
        """A sink for a forked child, which is another process."""
        return Otlp(self.url, self._headers)

    def interrupt(self) -> None:
        self._endpoint.interrupt()

    def is_away(self) -> bool:
        return self._failures > 0

    def unsent(self) -> int:
        return len(self._ended.spans) + (self._body_spans if self._body is not None else 0)

    def lost(self) -> list[Loss]:
        refused = f"{self.where} refused them ({self._refusal})"
        return [*super().lost(), Loss(self.counts.get("refused", 0), refused)]

    def take(self, batch: wire.Batch) -> None:
        if self._emitter is None:
            self._emitter = emitter_for(batch.process, self._ended)
        self._emitter.take(batch)
        while len(self._ended.spans) > MAX_WAITING_SPANS:
            self._ended.spans.popleft()
            self.lose("too slow", 1)

    def continue_work(self) -> float | None:
        """Send up to CHUNK spans."""
        if self._body is None:
            chunk = [self._ended.spans.popleft() for _ in range(min(SPANS_PER_REQUEST, len(self._ended.spans)))]
            if not chunk:
                return None
            self._body, self._body_spans = encode_spans(chunk).SerializeToString(), len(chunk)
        try:
            response = self._endpoint.post(self._body)
        except ConnectionFailed as error:
            self.suspicion = "is it running?"
            return self._retry(None, f"does not answer ({error})")
        self.suspicion = "is it overloaded?"
        if response.status in _RETRYABLE:
            return self._retry(response.retry_after, f"answers {response.status}")
        if not 200 <= response.status < 300:
            self._refusal = f"{response.status} {response.detail}".rstrip()
            self.lose("refused", self._body_spans)
            self._log_once(str(response.status), f"refused spans: {response.status} {response.detail}".rstrip())
        self._body, self._failures = None, 0
        return 0.0 if self._ended.spans else None

    def _retry(self, retry_after: float | None, reason: str) -> float:
        self._failures += 1
        self._log_once("away", f"{reason}; the program continues, up to {MAX_WAITING_SPANS:,} spans are kept")
        if retry_after is not None:
            return max(min(retry_after, _LONGEST_RETRY_AFTER), 0.01)
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._failures - 1, 10))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret

    def _log_once(self, problem: str, text: str) -> None:
        if problem not in self._logged:
            self._logged.add(problem)
            say(f"OpenTelemetry at {self.url} {text} (is the address correct? see --otlp and {HEADERS_VARIABLE})")


class EndedSpans(SpanProcessor):
    """Keeps ended spans until they are sent."""

    def __init__(self) -> None:
        self.spans: deque[ReadableSpan] = deque()

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def emitter_for(process: wire.Process, ended: SpanProcessor) -> Emitter:
    ids = LifecycleIds()
    attributes = semconv.process_attributes(
        service=process.service,
        instance=process.id.hex(),
        host=process.host,
        pid=process.pid,
        python=process.python,
        version=VERSION,
    )
    provider = TracerProvider(ALWAYS_ON, Resource(attributes), shutdown_on_exit=False, id_generator=ids)
    provider.add_span_processor(ended)
    return Emitter(provider.get_tracer(semconv.SCOPE, VERSION), ids)


def parse_headers(text: str) -> dict[str, str]:
    """The headers of "api-key=secret,x-team=shop%20floor".

    Raises:
        UsageError: the text has another form.
    """
    headers = {}
    for pair in filter(None, (pair.strip() for pair in text.split(","))):
        name, equals, value = pair.partition("=")
        if not equals or not name.strip() or any(character in unquote(pair) for character in "\r\n\0"):
            raise UsageError(f"${HEADERS_VARIABLE} is not a list of headers (write name=value,name=value)")
        headers[name.strip()] = unquote(value.strip())
    return headers
