"""Where batches go: a collector, a recording, OpenTelemetry; and the thread that takes them there."""
