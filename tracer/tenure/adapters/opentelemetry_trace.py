"""OpenTelemetry: the span that is active when a root begins is its parent, and the root takes that span's trace."""

from __future__ import annotations

import sys
from types import ModuleType

from tenure import _probe_api as probe
from tenure._identify import otel_context
from tenure._patching import class_patches


def install(trace: ModuleType) -> None:
    """Let each record keep the context in which it begins."""
    context = sys.modules["opentelemetry.context"]
    runtime = getattr(context, "_RUNTIME_CONTEXT", None)  # one read of a variable instead of three calls
    variable = getattr(runtime, "_current_context", None)
    probe.set_context(otel_context.observe(context.get_current, trace.get_current_span, variable))
    class_patches.at_undo(lambda: probe.set_context(None))
