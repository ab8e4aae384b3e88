"""OpenTelemetry's span as it travels, and what is asked of the program's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol


class SpanIds(NamedTuple):
    """As they travel: 16 and 8 bytes."""

    trace: bytes
    span: bytes


class _SpanContext(Protocol):
    trace_id: int
    span_id: int
    is_valid: bool
    trace_flags: int


class _Span(Protocol):
    def get_span_context(self) -> _SpanContext: ...


CurrentSpan = Callable[[object], _Span]  # opentelemetry.trace.get_current_span
