"""An OpenTelemetry backend that takes everything and counts by span."""

from __future__ import annotations

import gzip
import http.server
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Backend(http.server.ThreadingHTTPServer):
    """``taken`` is how often each span came, by its id in hexadecimal."""

    daemon_threads = True

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """What ``--otlp`` is given."""
        return f"http://127.0.0.1:{self.server_port}"

    def wait_for_spans(self, spans: int) -> None:
        """Wait until it has so many spans, repeated ones included."""
        deadline = time.monotonic() + 30
        while self.taken.total() < spans:
            assert time.monotonic() < deadline, f"{self.taken.total()} spans came"
            time.sleep(0.02)

    def missing(self, wanted: Collection[str]) -> set[str]:
        """The spans that did not come within 20 seconds."""
        deadline = time.monotonic() + 20
        while (missing := set(wanted) - set(self.taken)) and time.monotonic() < deadline:
            time.sleep(0.05)
        return missing

    def handle_error(self, request: object, client_address: object) -> None:
        """The sender was killed, which is part of the scenario."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Backend

    def do_POST(self) -> None:
        body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/v1/traces"):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    self.server.taken.update(span.span_id.hex() for span in scope.spans)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def backend() -> Iterator[Backend]:
    """A running backend on a port of 127.0.0.1."""
    with Backend() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
