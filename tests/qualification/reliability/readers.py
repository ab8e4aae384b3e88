"""Read all that a store can be asked for; whatever raises is a fault."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.structs import replace

from tenure_server.diagram import mermaid
from tenure_server.live.overview import read_overview
from tenure_server.model.lens import Lens
from tenure_server.store import (
    LifecycleQuery,
    Listing,
    Paging,
    ResourceQuery,
    StallQuery,
    Store,
    TaskQuery,
    TraceQuery,
)
from tenure_server.store.load_diagram import draw_input

_PHASES = ("acquiring", "held", "releasing", "closed", "abandoned")


async def read_everything(store: Store, now_ns: int, follower: str) -> tuple[int, list[str]]:
    """How many reads that were, and what was wrong with what they answered."""
    reader = _Reader(store, now_ns)
    await reader.read(follower)
    return reader.reads, reader.wrong


class _Reader:
    def __init__(self, store: Store, now_ns: int) -> None:
        self.store = store
        self.now_ns = now_ns
        self.reads = 0
        self.wrong: list[str] = []

    async def read(self, follower: str) -> None:
        store = self.store
        processes = await self._list("processes", store.processes)
        lifecycles = await self._lifecycles(LifecycleQuery())
        traces = await self._traces(TraceQuery())
        resources = await self._list("resources", lambda paging: store.resources(ResourceQuery(paging=paging)))
        await store.resources(ResourceQuery(order="used"))
        await self._list("tasks", lambda paging: store.tasks(TaskQuery(paging=paging)))
        await store.tasks(TaskQuery(open=True, awaiting="Queue"))
        await store.stalls(StallQuery(since_ns=self.now_ns - 60 * 10**9))
        for is_open in (True, False):
            await store.resources(ResourceQuery(open=is_open))
        for phase in _PHASES:
            selected = await self._lifecycles(LifecycleQuery(phase=phase))
            self._same(f"phase {phase}", selected, [item for item in lifecycles if item.phase == phase])
        for outcome in ("ok", "error", "cancelled"):
            await store.lifecycles(LifecycleQuery(outcome=outcome))
        await store.lifecycles(LifecycleQuery(min_wait_ns=1, min_hold_ns=1))
        for since_ns, until_ns in ((self.now_ns - 60 * 10**9, None), (None, self.now_ns - 10**9)):
            selected = await self._lifecycles(LifecycleQuery(since_ns=since_ns, until_ns=until_ns))
            within = [
                item
                for item in lifecycles
                if (since_ns is None or item.acquire_ns >= since_ns)
                and (until_ns is None or item.acquire_ns < until_ns)
            ]
            self._same(f"window {since_ns} to {until_ns}", selected, within)
        if {item.trace for item in lifecycles} != {item.id for item in traces}:
            self.wrong.append("the traces of the lifecycles are not those that are listed")
        for process in processes:
            await store.lifecycles(LifecycleQuery(process=process.id))
            await store.traces(TraceQuery(process=process.id))
            await store.traces(TraceQuery(service=process.service))
            await self._scene(Lens(process=process.id, tasks="coroutine"))
        for trace in traces:
            selected = await self._lifecycles(LifecycleQuery(trace=trace.id))
            self._same(f"trace {trace.id}", selected, [item for item in lifecycles if item.trace == trace.id])
            await self._scene(Lens(trace=trace.id))
        for resource in resources:
            await self._scene(Lens(resource=resource.id))
        for task in sorted({item.task.id for item in lifecycles})[:10]:
            await store.lifecycles(LifecycleQuery(task=task))
            await self._scene(Lens(task=task))
        await self._scene(Lens())
        await self._scene(Lens(since_ns=self.now_ns - 60 * 10**9))
        await read_overview(store, self.now_ns, 50)
        await store.closed_lifecycles(follower, 1_000)
        store.backlog(follower)
        await store.resource_series()
        await store.latest_ns()
        self.reads += 20 + 4 * len(processes)

    async def _scene(self, lens: Lens) -> None:
        scene = await self.store.diagram_input(lens, 40)
        mermaid(draw_input(scene, lens, self.now_ns))
        self.reads += 1

    async def _lifecycles(self, query: LifecycleQuery) -> list[Any]:
        return await self._list("lifecycles", lambda paging: self.store.lifecycles(replace(query, paging=paging)))

    async def _traces(self, query: TraceQuery) -> list[Any]:
        return await self._list("traces", lambda paging: self.store.traces(replace(query, paging=paging)))

    async def _list(self, query: str, ask: Callable[[Paging], Awaitable[Listing[Any]]]) -> list[Any]:
        """All of a list, which must be the same in pages: each item once."""
        whole = (await ask(Paging(10_000))).items
        pages: list[Any] = []
        cursor: str | None = None
        size = max(3, len(whole) // 4)
        while len(pages) <= len(whole):
            listing = await ask(Paging(size, cursor))
            self.reads += 1
            pages += listing.items
            cursor = listing.cursor
            if cursor is None:
                break
        ids, paged = [item.id for item in whole], [item.id for item in pages]
        if sorted(ids) != sorted(paged):
            self.wrong.append(
                f"{query}: {len(ids)} at once, {len(paged)} in pages, of them {len(set(paged))} different"
            )
        return list(whole)

    def _same(self, query: str, selected: list[Any], wanted: list[Any]) -> None:
        if sorted(item.id for item in selected) != sorted(item.id for item in wanted):
            self.wrong.append(f"{query}: {len(selected)} lifecycles found, {len(wanted)} there are")
