"""The program's active OpenTelemetry span when a lifecycle begins: the parent of a root, and its trace.

Nothing of this runs before the program has imported OpenTelemetry. Then the buffer gets a record together with the
context that it began in, which is one read of a context variable. The shipping thread reads the span of that context,
and only for roots.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from tenure._core import faults
from tenure._identify import tracer
from tenure._identify.span_ids import CurrentSpan, SpanIds
from tenure._identify.tracer import ContextReader

__all__ = ["InContext", "SpanIds", "is_watched", "observe", "span_ids_of"]

InContext = tuple[list[object], object]  # what stands in the buffer in a record's place

_KEPT = 10_000


def observe(get_current: Callable[[], object], current_span: CurrentSpan, variable: object = None) -> ContextReader:
    """The reader of the context, for ``probe.set_context``: the variable that has it, else ``get_current``."""
    tracer.current.current_span = current_span
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
    return tracer.current.current_span is not None


def span_ids_of(context: object) -> SpanIds | None:
    """The span of a context; None where it has none."""
    here = tracer.current
    if context is None or here.current_span is None:
        return None
    try:
        span = here.current_span(context).get_span_context()
        if not span.is_valid:
            return None
        ids = SpanIds(span.trace_id.to_bytes(16, "big"), span.span_id.to_bytes(8, "big"))
        if not span.trace_flags & 1:
            here.unsampled[ids.trace] = None
            if len(here.unsampled) > _KEPT:
                here.unsampled.popitem(last=False)
    except Exception as error:  # noqa: BLE001  # the program may have put in any object
        faults.fault("reading OpenTelemetry's active span", error)
        return None
    return ids
