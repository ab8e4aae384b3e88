"""What ``tenure.semconv`` leaves to the collector: a process as a Resource, and the numbers of OTLP's enums."""

from __future__ import annotations

from importlib.metadata import version

from tenure import semconv
from tenure.semconv import Attributes
from tenure_server.model.records import Process, Site

INTERNAL, SERVER = 1, 2  # SpanKind
ERROR = 2  # StatusCode
VERSION = version("tenure-server")


def process_attributes(process: Process) -> Attributes:
    """The process as an OpenTelemetry Resource."""
    return semconv.process_attributes(
        service=process.service,
        instance=process.id,
        host=process.host,
        pid=process.pid,
        python=process.python,
        version=VERSION,
    )


def span_kind(site: Site) -> int:
    return SERVER if semconv.is_request(site) else INTERNAL
