"""Metrics of resources and of the collector, for Prometheus and by OTLP."""
