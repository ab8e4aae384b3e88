"""The sinks that make spans. They stand in ``tenure._sinks.otel``, which is loaded only where one is asked for."""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import cast

from tenure._sinks.shipper import Sink
from tenure.errors import UsageError


def into_program() -> Sink:
    """The program's own TracerProvider.

    Raises:
        UsageError: OpenTelemetry is not installed.
    """
    return cast("Sink", _sinks("tenure.install(otel=True)").ProgramSpans())


def to_otlp(url: str) -> Sink:
    """An OpenTelemetry collector or backend; $OTEL_EXPORTER_OTLP_HEADERS are its headers.

    Raises:
        UsageError: OpenTelemetry is not installed, or the URL or the headers are malformed.
    """
    return cast("Sink", _sinks("--otlp").Otlp(url, os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "")))


def _sinks(what: str) -> ModuleType:
    try:
        return importlib.import_module("tenure._sinks.otel.sinks")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "opentelemetry":
            raise
        raise UsageError(
            f"{what} needs OpenTelemetry's SDK, which is not installed (pip install 'tenure[otlp]')"
        ) from None
