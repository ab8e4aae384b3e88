"""The one writer: from batches and spans to rows and counts, the outbox, and the retention."""
