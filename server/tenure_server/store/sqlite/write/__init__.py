"""The one writer: from batches and spans to rows, with what is counted beside them, and the retention."""
