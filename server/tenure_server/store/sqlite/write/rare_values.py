"""What few lifecycles of a batch have: tables beside its rows."""

from __future__ import annotations

from tenure import wire
from tenure_server.store.sqlite.file.rows import NO_RARE_VALUES, RareValues


def rare_values_of(batch: wire.Batch, base: int) -> dict[int, RareValues]:
    """By key; only of the rows that have them. ``base`` is the process's key."""
    rare = {base + batch.rows[response.row].id: (response.status, 0) for response in batch.responses}
    for release in batch.releases:
        key = base + batch.rows[release.row].id
        rare[key] = rare.get(key, NO_RARE_VALUES)[0], base + batch.tasks[release.task].id
    return rare
