"""Recordings, as the tracer writes them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tenure import wire


def recording(path: Path, *batches: wire.Batch, tail: str = "\n]}") -> Path:
    """A file as the tracer writes it."""
    written = ",\n".join(msgspec.json.encode(batch).decode() for batch in batches)
    path.write_text(f'{{"tenure": 1, "batches": [\n{written}{tail}')
    return path
