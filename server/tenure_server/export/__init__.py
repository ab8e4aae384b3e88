"""Spans out: follows the store and sends closed lifecycles to OpenTelemetry backends."""
