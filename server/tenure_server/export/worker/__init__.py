"""The exporting process: its entry point, its supervision by the collector, and the messages between the two."""
