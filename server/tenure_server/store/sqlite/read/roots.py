"""What a root has beyond its lifecycle: the span it hangs under, and what was held around it."""

from __future__ import annotations

from collections.abc import Iterable

from tenure_server.model.records import HeldAround
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.key_scan import RawRow
from tenure_server.store.sqlite.file.schema import LIFECYCLE_COLUMNS
from tenure_server.store.sqlite.read.row_decoder import Root
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot


def read_roots(reading: ReadSnapshot, rows: Iterable[RawRow]) -> dict[int, Root]:
    """By key, the roots among the rows of which something is known."""
    sql = "SELECT key, link, otel_parent_id FROM roots WHERE key IN"
    found = list(reading.in_chunks(sql, [row[0] for row in rows if row[1] is None]))
    links = {key: keys.key(keys.process_of(key), link) for key, link, _ in found if link}
    held = _held(reading, set(links.values()))
    return {key: Root(parent.hex() if parent else None, held.get(links.get(key, 0))) for key, _, parent in found}


def _held(reading: ReadSnapshot, wanted: set[int]) -> dict[int, HeldAround]:
    """Those of the lifecycles that are still stored."""
    sql = f"SELECT {LIFECYCLE_COLUMNS} FROM lifecycles WHERE key IN"  # noqa: S608 -- our own words
    rows = list(reading.in_chunks(sql, sorted(wanted)))
    traces = reading.assembly.trace_ids(row[2] for row in rows)
    return {row[0]: HeldAround(reading.assembly.public_id(row[0]), traces[row[2]]) for row in rows}
