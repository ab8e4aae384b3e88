"""The rows of a table as values for a store. The twin in Python of ``columns_values`` in ``tracer/native/columns/``."""

from __future__ import annotations

from collections.abc import Sequence
from operator import add, or_
from typing import NamedTuple, TypeAlias

from tenure.wire.columns import WIDTH
from tenure.wire.schema import NOT_REACHED, RESENT

Value: TypeAlias = int | None
Values: TypeAlias = tuple[list[Value], list[tuple[Value, ...]], int]


class StoreKeys(NamedTuple):
    """What a store has in place of what the rows say.

    ``offset_ns`` is added to the acquire, ``base_key`` to the id and to the root, unless ``traces`` has another key for
    that root. Tasks, resources, sites and exceptions are entries of these lists. The bits of ``marks`` at the site are
    added to the outcomes, and RESENT is taken out. A phase that was not reached becomes None.
    """

    offset_ns: int
    base_key: int
    traces: dict[int, int]
    tasks: list[int]
    resources: list[int]
    sites: list[int]
    exceptions: list[int]
    marks: list[int]


def values(table: bytes, store: StoreKeys) -> Values:
    """Do what ``ColumnRows.values`` says."""
    offset_ns, base_key, traces, tasks, resources, sites, exceptions, marks = store
    numbers = memoryview(table).cast("q")
    count = len(numbers) // WIDTH
    ids, parents, roots, in_tasks, used, at, acquires, *durations, outcomes, body, own = (
        (numbers[start : start + count].tolist() for start in range(0, WIDTH * count, count or 1))
        if count
        else ([] for _ in range(WIDTH))
    )
    starts = [acquire_ns + offset_ns for acquire_ns in acquires]
    ends: Sequence[int] = starts
    for column in durations:
        if min(column, default=0) >= 0:
            ends = list(map(add, ends, column))
            continue
        ends = [end_ns + duration if duration > 0 else end_ns for end_ns, duration in zip(ends, column, strict=True)]
    columns: list[Sequence[Value]] = [
        [base_key + number for number in ids],
        parents,
        [traces.get(root, base_key + root) for root in roots] if traces else [base_key + root for root in roots],
        list(map(tasks.__getitem__, in_tasks)),
        list(map(resources.__getitem__, used)),
        list(map(sites.__getitem__, at)),
        starts,
        *(_with_none(column) for column in durations),
        list(map(or_, [bits & ~RESENT for bits in outcomes], map(marks.__getitem__, at))),
        list(map(exceptions.__getitem__, body)),
        list(map(exceptions.__getitem__, own)),
    ]
    resent: list[tuple[Value, ...]] = []
    if any(bits & RESENT for bits in outcomes):
        rows = list(zip(*columns, strict=True))
        resent = [row for row, bits in zip(rows, outcomes, strict=True) if bits & RESENT]
        fresh = [row for row, bits in zip(rows, outcomes, strict=True) if not bits & RESENT]
        columns = list(zip(*fresh, strict=True)) or [[] for _ in range(WIDTH)]
    flat: list[Value] = [None] * (WIDTH * len(columns[0]))
    for n, part in enumerate(columns):
        flat[n::WIDTH] = part
    return flat, resent, max([0, *ends])


def _with_none(durations: list[int]) -> Sequence[Value]:
    if min(durations, default=0) != NOT_REACHED:
        return durations
    return [None if duration == NOT_REACHED else duration for duration in durations]
