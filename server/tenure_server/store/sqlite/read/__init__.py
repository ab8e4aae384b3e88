"""Queries: each in one snapshot, from rows to records."""
