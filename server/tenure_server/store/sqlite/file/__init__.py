"""The database file: its tables, its keys, how it is opened, and which processes live."""
