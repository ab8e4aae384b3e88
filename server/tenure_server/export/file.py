"""Spans as lines of OTLP/JSON, as OpenTelemetry's file exporter writes them and collectors read them.

One line is one ExportTraceServiceRequest
(https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/). OTLP's JSON differs from protobuf's JSON mapping in
two points: ids are hexadecimal, and enums are numbers
(https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_IDS = ("traceId", "spanId", "parentSpanId")


def line(body: bytes) -> str:
    """The line for a request, with its line end. ``body`` is the request in protobuf."""
    request = ExportTraceServiceRequest.FromString(body)
    document: dict[str, Any] = MessageToDict(request, use_integers_for_enums=True)
    for resource in document.get("resourceSpans", []):
        for scope in resource.get("scopeSpans", []):
            for span in scope.get("spans", []):
                _spell_ids(span)
                for link in span.get("links", []):
                    _spell_ids(link)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def _spell_ids(document: dict[str, Any]) -> None:
    for name in _IDS:
        if name in document:
            document[name] = b64decode(document[name]).hex()
