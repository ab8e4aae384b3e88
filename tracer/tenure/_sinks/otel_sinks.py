"""Makes the sinks for spans. ``tenure._sinks.otel``, which imports OpenTelemetry, is loaded only when one is made."""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import cast

from tenure._sinks.shipper import Sink
from tenure.errors import UsageError


def into_program() -> Sink:
    """A sink into the program's own TracerProvider.

    Raises:
        UsageError: OpenTelemetry is not installed.
    """
    return cast("Sink", _sinks("tenure.install(otel=True)").ProgramSpans())


def to_otlp(url: str) -> Sink:
    """A sink to an OpenTelemetry collector or backend, with the headers in $OTEL_EXPORTER_OTLP_HEADERS.

    Raises:
        UsageError: OpenTelemetry is not installed, or the URL or the headers are malformed.
    """
    return cast("Sink", _sinks("--otlp").Otlp(url, os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "")))


def _sinks(feature: str) -> ModuleType:
    try:
        return importlib.import_module("tenure._sinks.otel.sinks")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "opentelemetry":
            raise
        raise UsageError(
            f"{feature} needs OpenTelemetry's SDK, which is not installed (pip install 'tenure[otlp]')"
        ) from None
