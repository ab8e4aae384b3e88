"""Queries that many tests of stores make."""

from __future__ import annotations

from msgspec.structs import replace

from tenure_server.model.lens import Lens
from tenure_server.model.records import Lifecycle
from tenure_server.store import LifecycleQuery, Paging, ResourceQuery, Store, TraceQuery

EVERY = LifecycleQuery()


async def all_lifecycles(store: Store, query: LifecycleQuery = EVERY, page: int = 1_000) -> list[Lifecycle]:
    lifecycles: list[Lifecycle] = []
    cursor: str | None = None
    while True:
        listing = await store.lifecycles(replace(query, paging=Paging(page, cursor)))
        assert len(listing.items) == page or listing.cursor is None
        lifecycles += listing.items
        cursor = listing.cursor
        if cursor is None:
            return lifecycles


async def numbers(store: Store, **query: object) -> list[int]:
    """The sequence numbers of the lifecycles that a query finds."""
    listing = await store.lifecycles(LifecycleQuery(**query))  # type: ignore[arg-type]
    return [int(lifecycle.id.partition("-")[2]) for lifecycle in listing.items]


async def everything(store: Store) -> tuple[object, ...]:
    """All that a store can be asked for."""
    return (
        (await store.processes(Paging(1_000))).items,
        (await store.resources(ResourceQuery(paging=Paging(1_000)))).items,
        (await store.traces(TraceQuery(paging=Paging(1_000)))).items,
        await all_lifecycles(store),
        await store.diagram_input(Lens(), 1_000),
    )
