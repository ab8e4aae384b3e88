"""From records to batches, on the shipping thread: parents, traces, snapshots and tables."""
