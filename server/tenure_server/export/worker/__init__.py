"""The process that exports: its entry point, how the collector keeps it running, and what the two say to each other."""
