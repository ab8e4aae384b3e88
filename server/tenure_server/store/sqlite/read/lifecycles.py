"""GET /api/lifecycles, as the tables answer it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from tenure_server.model.records import Lifecycle
from tenure_server.store.protocol import LifecycleQuery, Listing
from tenure_server.store.sqlite.file.key_scan import LIFECYCLES, RawRow, Selection
from tenure_server.store.sqlite.file.schema import ACQUIRE
from tenure_server.store.sqlite.read.filters import select_lifecycles
from tenure_server.store.sqlite.read.roots import read_roots
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot, next_cursor, position_of
from tenure_server.store.sqlite.read.span_parents import parents_beyond


def read_lifecycles(reading: ReadSnapshot, query: LifecycleQuery) -> Listing[Lifecycle]:
    selection = select_lifecycles(reading.connection, query, reading.now_ns)
    if query.phase in {None, "closed"}:
        rows: Iterable[RawRow] = LIFECYCLES.newest(
            reading.connection,
            selection,
            (query.since_ns, query.until_ns),
            position_of(query.paging),
        )
    else:
        rows = _open_ones(reading, selection, query)
    found = list(islice(rows, query.paging.limit + 1))
    shown = found[: query.paging.limit]
    items = reading.assembly.lifecycles(shown, parents_beyond(reading, shown), read_roots(reading, shown))
    return Listing(items, next_cursor(found, query.paging.limit, LIFECYCLES.position))


def _open_ones(reading: ReadSnapshot, selection: Selection, query: LifecycleQuery) -> Iterable[RawRow]:
    """The few open rows are read through their own index. Whether they are abandoned, their process tells."""
    living = reading.living()
    selection.only(selection.processes - living if query.phase == "abandoned" else living)
    for sign, bound in ((">=", query.since_ns), ("<", query.until_ns)):
        if bound is not None:
            selection.add(f"acquire_ns {sign} ?", bound)
    before = position_of(query.paging)
    return (row for row in reading.open_rows(selection) if before is None or (row[ACQUIRE], row[0]) < before)
