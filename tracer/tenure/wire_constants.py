"""The numbers of the wire that are needed before a batch is made: without msgspec, which takes long to import."""

from __future__ import annotations

CONTENT_TYPE = "application/vnd.tenure.batch+msgpack"
MAX_STRING = 4_096
MAX_CREATED = 1_000  # creation times of one pool's connections in one batch
OK, ERROR, CANCELLED = 1, 2, 3  # outcomes of a phase
