"""A batch's rows as values of the table ``lifecycles``: 13 in a row, of all rows in one list, as an INSERT takes them.

A batch of version 2 has columns: its values are made of them without a ``wire.Row`` between.
"""

# ruff: noqa: FURB136, PLR1730 -- a comparison costs a quarter of a call of max, for every row

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple, cast

from msgspec.structs import astuple

from tenure import wire
from tenure_server.store.sqlite.file.rows import INTERNAL, PROPAGATED, LifecycleValues

WIDTH: Final = 13  # values of a row
_KEY: Final = 0  # their places
_ACQUIRE: Final = 6
_RELEASE: Final = 9
_OUTCOMES: Final = 10


class FlatRows:
    """Rows as one list of values."""

    __slots__ = ("values",)

    def __init__(self, values: list[int | None]) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values) // WIDTH

    def __iter__(self) -> Iterator[LifecycleValues]:
        values = iter(self.values)
        return cast("Iterator[LifecycleValues]", zip(*[values] * WIDTH, strict=True))

    def keys_and_times(self) -> list[tuple[int, int]]:
        """The key and the acquire of each row, by key."""
        both = zip(self.values[_KEY::WIDTH], self.values[_ACQUIRE::WIDTH], strict=True)
        return sorted(cast("Iterable[tuple[int, int]]", both))

    def closed(self) -> list[int]:
        """The keys of the rows that have closed."""
        both = zip(self.values[_KEY::WIDTH], self.values[_RELEASE::WIDTH], strict=True)
        return [cast("int", key) for key, release_ns in both if release_ns is not None]

    def plus(self, rows: Iterable[LifecycleValues]) -> FlatRows:
        return FlatRows([*self.values, *chain.from_iterable(rows)])

    def mark_propagated(self, keys: set[int]) -> None:
        for row, key in enumerate(self.values[_KEY::WIDTH]):
            if key in keys:
                place = row * WIDTH + _OUTCOMES
                self.values[place] = cast("int", self.values[place]) | PROPAGATED


class RowValues(NamedTuple):
    """``fresh`` rows are sent for the first time, ``resent`` ones were sent while they were open."""

    fresh: FlatRows
    resent: FlatRows
    latest_ns: int  # the latest instant of all; 0: there are none


def row_values(batch: wire.Batch, store: wire.StoreKeys, traces: Sequence[int]) -> RowValues:
    """The values of a batch's rows; ``traces`` are the keys of its traces, of version 2 those that stand in it."""
    if isinstance(batch.rows, wire.ColumnRows):
        own = {trace.root: key for trace, key in zip(batch.rows.own_traces, traces, strict=True)}
        flat, sent_before, latest_ns = batch.rows.values(store._replace(traces=own))
        fresh, resent = FlatRows(flat), FlatRows(list(chain.from_iterable(sent_before)))
    else:
        fresh, resent, latest_ns = _of_rows(batch, store, traces)
    if batch.propagated:
        marked = {store.base_key + batch.rows[i].id for i in batch.propagated}
        fresh.mark_propagated(marked)
        resent.mark_propagated(marked)
    return RowValues(fresh, resent, latest_ns)


def _of_rows(batch: wire.Batch, store: wire.StoreKeys, traces: Sequence[int]) -> RowValues:
    offset_ns, base, _, tasks, resources, sites, exceptions, marks = store
    fresh: list[int | None] = []
    resent: list[int | None] = []
    acquire_ns = batch.base_ns + offset_ns
    latest_ns = 0
    for row in batch.rows:
        number, parent, trace, task, resource, site, step, wait, hold, release, outcomes, body, own = astuple(row)
        acquire_ns += step
        end_ns = acquire_ns + (wait if wait > 0 else 0) + (hold if hold > 0 else 0) + (release if release > 0 else 0)
        if end_ns > latest_ns:
            latest_ns = end_ns
        values = resent if outcomes & wire.RESENT else fresh
        values += (
            base + number,
            parent,
            traces[trace],
            tasks[task],
            resources[resource],
            sites[site],
            acquire_ns,
            None if wait < 0 else wait,
            None if hold < 0 else hold,
            None if release < 0 else release,
            outcomes & ~wire.RESENT | marks[site],
            exceptions[body],
            exceptions[own],
        )
    return RowValues(FlatRows(fresh), FlatRows(resent), latest_ns)


def marks_of(sites: Iterable[wire.Site]) -> list[int]:
    """The bits of outcomes that come from each site."""
    return [INTERNAL if site.internal else 0 for site in sites]
