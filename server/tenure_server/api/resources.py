"""GET /api/resources."""

from __future__ import annotations

from tenure_server.api.listing import list_route
from tenure_server.http.parameters import INTERNAL, flag, text
from tenure_server.model.records import Resource
from tenure_server.store import Listing, ResourceQuery

ROUTES = [
    list_route(
        "/api/resources",
        "Resources, newest first, with their holders and waiters in order of arrival. Percentiles are exact within"
        " 2.5 % and count waits and holds that go on, with their time so far; failed counts"
        " lifecycles with a phase that failed.",
        listing=Listing[Resource],
        filters={
            "process": text("process", "Only those of the process with this id."),
            "kind": text("kind", "Only those of this qualified type name, such as asyncio.locks.Lock."),
            "open": flag("open", "1: only those that are held or waited for; 0: only the others."),
            "internal": INTERNAL,
        },
        query=ResourceQuery,
        read=lambda store, query: store.resources(query),
    )
]
