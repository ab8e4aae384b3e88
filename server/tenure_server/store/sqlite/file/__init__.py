"""The database file: its tables and rows, its keys, how it is opened and locked, and which processes are alive."""
