"""What comes in: a tracer's batches, and spans by OTLP."""
