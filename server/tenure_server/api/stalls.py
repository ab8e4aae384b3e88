"""GET /api/stalls."""

from __future__ import annotations

import time

from tenure_server.api.listing import list_route
from tenure_server.http.parameters import instant, text
from tenure_server.model.waits import Stall
from tenure_server.store import Listing, StallQuery

ROUTES = [
    list_route(
        "/api/stalls",
        "Event loops that stood still for over 100 ms, newest first: in which line, in which task, for how long.",
        listing=Listing[Stall],
        filters={
            "process": text("process", "Only those of the process with this id."),
            "since_ns": instant("since", "Only those that lasted until this instant or later.", time.time_ns),
            "until_ns": instant("until", "Only those that began before this instant.", time.time_ns),
        },
        query=StallQuery,
        read=lambda store, query: store.stalls(query),
    )
]
