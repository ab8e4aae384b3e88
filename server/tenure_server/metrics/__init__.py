"""What is measured of resources and of the collector, to Prometheus and by OTLP."""
