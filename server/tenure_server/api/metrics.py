"""GET /metrics: the collector itself and the resources of living processes, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from tenure_server.http.app_keys import CLOCK, EXPORTERS, REFUSALS, STORE
from tenure_server.http.routes import Route
from tenure_server.live.subscriptions import FEED
from tenure_server.metrics.meters import METERS
from tenure_server.metrics.prometheus import CONTENT_TYPE
from tenure_server.metrics.snapshot import Snapshot
from tenure_server.store import Paging, Store

_PAGE = 1_000
_PIECE = 65_536  # bytes


async def gather(app: web.Application) -> Snapshot:
    """The state from which the metrics are made."""
    store = app[STORE]
    return Snapshot(
        at_ns=app[CLOCK](),
        totals=store.totals(),
        refused=dict(app[REFUSALS].reasons),
        processes=await _count_alive(store),
        exporters=app[EXPORTERS].status(),
        clients=app[FEED].clients,
        measured=await store.resource_series(),
    )


async def get_metrics(request: web.Request) -> web.Response:
    text = await request.app[METERS].text()
    response = web.Response(body=_pieces(text), headers={"Content-Type": CONTENT_TYPE})
    if request.method == "GET":  # in answer to a HEAD, aiohttp would send the end of the compressed body
        response.enable_compression()  # if the client accepts it
    return response


async def _pieces(text: bytes) -> AsyncIterator[bytes]:
    """The text in pieces: other requests are handled while megabytes of metrics are compressed and sent."""
    for start in range(0, len(text), _PIECE):
        yield text[start : start + _PIECE]


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
        "Metrics of the collector and of resources, in the format of Prometheus.",
        answers={"text/plain": None},
        errors=[503],
    )
]
