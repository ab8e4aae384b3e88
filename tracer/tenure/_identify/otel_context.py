"""The program's active OpenTelemetry span when a lifecycle begins: the parent of a root, and its trace.

Nothing of this runs before the program has imported OpenTelemetry. Then the buffer gets a record together with the
context that it began in, which is one read of a context variable; what span that was is found out in the shipping
thread, and only for roots.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from typing import NamedTuple, Protocol

from tenure._core import faults


class SpanIds(NamedTuple):
    """As they travel: 16 and 8 bytes."""

    trace: bytes
    span: bytes


InContext = tuple[list[object], object]  # what stands in the buffer in a record's place


class _SpanContext(Protocol):
    trace_id: int
    span_id: int
    is_valid: bool
    trace_flags: int


class _Span(Protocol):
    def get_span_context(self) -> _SpanContext: ...


CurrentSpan = Callable[[object], _Span]  # opentelemetry.trace.get_current_span

_KEPT = 10_000

unsampled: OrderedDict[bytes, None] = OrderedDict()  # the last traces that the program's sampler decided against
_current_span: CurrentSpan | None = None


def observe(
    get_current: Callable[[], object], current_span: CurrentSpan, variable: object = None
) -> ContextVar[object] | Callable[[], object]:
    """What is read where a lifecycle begins from now on: the variable that has the context, else ``get_current``."""
    global _current_span  # noqa: PLW0603
    _current_span = current_span
    if isinstance(variable, ContextVar):
        return variable

    def read() -> object:
        try:
            return get_current()
        except Exception as error:  # noqa: BLE001  # never into the program
            faults.fault("reading OpenTelemetry's context", error)
            return None

    return read


def is_watched() -> bool:
    """Whether the program has imported OpenTelemetry since recording began."""
    return _current_span is not None


def span_ids_of(context: object) -> SpanIds | None:
    """The span of a context; None where it has none."""
    if context is None or _current_span is None:
        return None
    try:
        span = _current_span(context).get_span_context()
        if not span.is_valid:
            return None
        ids = SpanIds(span.trace_id.to_bytes(16, "big"), span.span_id.to_bytes(8, "big"))
        if not span.trace_flags & 1:
            unsampled[ids.trace] = None
            if len(unsampled) > _KEPT:
                unsampled.popitem(last=False)
    except Exception as error:  # noqa: BLE001  # the program may have put in any object
        faults.fault("reading OpenTelemetry's active span", error)
        return None
    return ids
