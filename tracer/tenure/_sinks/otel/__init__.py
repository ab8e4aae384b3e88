"""Lifecycles as OpenTelemetry spans, directly from the program; the only part of the tracer that imports OpenTelemetry.

The spans are the same as those that a collector exports (``tenure.semconv``, docs/opentelemetry.md).
"""
