"""The query of GET /api/lifecycles."""

from __future__ import annotations

from collections.abc import Iterable

from tenure_server.model.records import Lifecycle
from tenure_server.store.protocol import LifecycleQuery, Listing
from tenure_server.store.sqlite.file.key_scan import LIFECYCLES, RowSelection
from tenure_server.store.sqlite.file.rows import LifecycleRow
from tenure_server.store.sqlite.read.filters import select_lifecycles
from tenure_server.store.sqlite.read.roots import read_roots
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot, page_of, position_of
from tenure_server.store.sqlite.read.span_parents import foreign_parents


def read_lifecycles(snapshot: ReadSnapshot, query: LifecycleQuery) -> Listing[Lifecycle]:
    selection = select_lifecycles(snapshot.connection, query, snapshot.now_ns)
    if query.phase in {None, "closed"}:
        window = (query.since_ns, query.until_ns)
        rows: Iterable[LifecycleRow] = LIFECYCLES.newest(
            snapshot.connection, selection, window, position_of(query.paging)
        )
    else:
        rows = _open_rows(snapshot, selection, query)

    def records(page: list[LifecycleRow]) -> list[Lifecycle]:
        return snapshot.decoder.lifecycles(page, foreign_parents(snapshot, page), read_roots(snapshot, page))

    return page_of(rows, query.paging.limit, LIFECYCLES.position, records)


def _open_rows(snapshot: ReadSnapshot, selection: RowSelection, query: LifecycleQuery) -> Iterable[LifecycleRow]:
    """The open rows, by their own index: they are few. Their process decides whether they are abandoned."""
    living = snapshot.living_processes()
    selection.restrict_to(selection.processes - living if query.phase == "abandoned" else living)
    for sign, bound in ((">=", query.since_ns), ("<", query.until_ns)):
        if bound is not None:
            selection.add(f"acquire_ns {sign} ?", bound)
    before = position_of(query.paging)
    return (row for row in snapshot.open_rows(selection) if before is None or LIFECYCLES.position(row) < before)
