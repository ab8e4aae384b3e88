"""GET /api/processes."""

from __future__ import annotations

from tenure_server.api.listing import list_route
from tenure_server.model.records import Process
from tenure_server.store import Listing, Paging


def _every_process(paging: Paging) -> Paging:
    return paging


ROUTES = [
    list_route(
        "/api/processes",
        "Processes, newest first. alive: the process sent a batch in the last 10 s and has not ended.",
        listing=Listing[Process],
        filters={},
        query=_every_process,
        read=lambda store, paging: store.processes(paging),
    )
]
