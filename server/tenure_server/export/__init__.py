"""Spans out: follows the store and sends what closed to OpenTelemetry backends."""
