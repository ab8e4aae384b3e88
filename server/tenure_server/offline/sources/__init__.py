"""The sources of ``tenure export``: a recording, or a collector. Both have the same methods."""

from tenure_server.offline.sources.source import Source, open_source

__all__ = ["Source", "open_source"]
