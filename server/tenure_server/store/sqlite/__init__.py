"""The embedded store: one SQLite file, one writer thread, any number of readers."""

from __future__ import annotations

from tenure_server.store.sqlite.backend import SqliteStore

__all__ = ["SqliteStore"]
