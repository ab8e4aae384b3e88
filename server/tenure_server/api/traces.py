"""GET /api/traces."""

from __future__ import annotations

import time

from tenure_server.api.listing import list_route
from tenure_server.http.parameters import INTERNAL, instant, text
from tenure_server.model.records import Trace
from tenure_server.store import Listing, TraceQuery

ROUTES = [
    list_route(
        "/api/traces",
        "Traces, newest first. open: lifecycles not closed yet; errors: lifecycles with a phase that failed.",
        listing=Listing[Trace],
        filters={
            "process": text("process", "Only those in which the process with this id takes part."),
            "service": text("service", "Only those in which a process of this service takes part."),
            "since_ns": instant("since", "Only those that began at this instant or later.", time.time_ns),
            "until_ns": instant("until", "Only those that began before this instant.", time.time_ns),
            "internal": INTERNAL,
        },
        query=TraceQuery,
        read=lambda store, query: store.traces(query),
    )
]
