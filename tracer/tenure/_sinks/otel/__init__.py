"""Lifecycles as OpenTelemetry spans, straight from the program; the only part of Tenure that imports OpenTelemetry.

What a span is called and what it tells is the same as where a collector exports (docs/opentelemetry.md).
"""
