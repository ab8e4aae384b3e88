"""What few lifecycles of a batch have: tables beside its rows."""

from __future__ import annotations

from typing import Final, cast

from tenure import wire
from tenure_server.store.sqlite.file.rows import NO_RARE_VALUES, PROPAGATED, LifecycleValues, RareValues

_KEY: Final = 0  # indexes of LifecycleValues
_OUTCOMES: Final = 10


def rare_values_of(batch: wire.Batch, base: int) -> dict[int, RareValues]:
    """By key; only of the rows that have them. ``base`` is the process's key."""
    rare = {base + batch.rows[response.row].id: (response.status, 0) for response in batch.responses}
    for release in batch.releases:
        key = base + batch.rows[release.row].id
        rare[key] = rare.get(key, NO_RARE_VALUES)[0], base + batch.tasks[release.task].id
    return rare


def mark_propagated(batch: wire.Batch, base: int, rows: list[LifecycleValues]) -> list[LifecycleValues]:
    """The rows of a batch, those with the bit PROPAGATED that the batch names."""
    marked = {base + batch.rows[i].id for i in batch.propagated}
    return [
        cast("LifecycleValues", (*row[:_OUTCOMES], row[_OUTCOMES] | PROPAGATED, *row[_OUTCOMES + 1 :]))
        if row[_KEY] in marked
        else row
        for row in rows
    ]
