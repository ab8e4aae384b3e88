"""What ingest, export and metrics share of OpenTelemetry: its wire format and its certificates."""
