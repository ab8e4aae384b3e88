"""GET /metrics: the collector itself and the resources of living processes, in Prometheus' text format."""

from __future__ import annotations

from aiohttp import web

from tenure_server.api.routes import Route
from tenure_server.context import CLOCK, EXPORTERS, FEED, METERS, REFUSALS, STORE
from tenure_server.metrics.prometheus import CONTENT_TYPE
from tenure_server.metrics.snapshot import Snapshot
from tenure_server.store import Paging, Store

_PAGE = 1_000


async def gather(app: web.Application) -> Snapshot:
    """What the metrics of this collector tell of, now."""
    store = app[STORE]
    return Snapshot(
        at_ns=app[CLOCK](),
        totals=store.totals(),
        refused=dict(app[REFUSALS].reasons),
        processes=await _count_alive(store),
        exporters=await app[EXPORTERS].status(),
        clients=app[FEED].clients,
        measured=await store.measures(),
    )


async def get_metrics(request: web.Request) -> web.Response:
    return web.Response(body=await request.app[METERS].text(), headers={"Content-Type": CONTENT_TYPE})


async def _count_alive(store: Store) -> int:
    alive = 0
    cursor: str | None = None
    while True:
        listing = await store.processes(Paging(_PAGE, cursor))
        alive += sum(process.alive for process in listing.items)
        cursor = listing.cursor
        if cursor is None:
            return alive


ROUTES = [
    Route(
        "GET",
        "/metrics",
        get_metrics,
        "The collector's own metrics and those of resources, as Prometheus scrapes them.",
        answers={"text/plain": None},
    )
]
