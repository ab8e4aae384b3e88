"""What a root has beside its lifecycle: the span that is its parent, and the lifecycle that was held around it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tenure_server.model.records import HeldAround
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.rows import LifecycleRow
from tenure_server.store.sqlite.read.row_decoder import Root
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot


class _RootRow(NamedTuple):
    key: int
    link: int | None
    otel_parent_id: bytes | None


def read_roots(snapshot: ReadSnapshot, rows: Iterable[LifecycleRow]) -> dict[int, Root]:
    """Of those of the rows that are roots: what ``roots`` has of them, by key."""
    sql = "SELECT key, link, otel_parent_id FROM roots WHERE key IN"
    roots = list(snapshot.in_chunks(sql, [row.key for row in rows if row.parent is None], _RootRow._make))
    links = {root.key: keys.key(keys.process_of(root.key), root.link) for root in roots if root.link}
    held_around = _held_around(snapshot, set(links.values()))
    return {
        root.key: Root(
            root.otel_parent_id.hex() if root.otel_parent_id else None, held_around.get(links.get(root.key, 0))
        )
        for root in roots
    }


def _held_around(snapshot: ReadSnapshot, linked: set[int]) -> dict[int, HeldAround]:
    """Those of the lifecycles that are still stored, by key."""
    rows = list(snapshot.lifecycle_rows(sorted(linked)))
    traces = snapshot.decoder.trace_ids(row.trace for row in rows)
    return {row.key: HeldAround(snapshot.decoder.public_id(row.key), traces[row.trace]) for row in rows}
