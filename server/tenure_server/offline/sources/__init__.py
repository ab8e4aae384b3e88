"""What ``tenure export`` reads: a recording, or what a collector has. Both answer the same questions."""

from tenure_server.offline.sources.source import Source, open_source

__all__ = ["Source", "open_source"]
