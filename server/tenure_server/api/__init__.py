"""The addresses that answer with JSON: one file for each kind of thing."""
