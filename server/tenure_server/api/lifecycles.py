"""GET /api/lifecycles."""

from __future__ import annotations

import time
from typing import get_args

from tenure_server.api.listing import list_route
from tenure_server.http.parameters import INTERNAL, choice, instant, integer, milliseconds, text
from tenure_server.model.records import Lifecycle, Outcome, Phase
from tenure_server.store import LifecycleQuery, Listing

ROUTES = [
    list_route(
        "/api/lifecycles",
        "Lifecycles that match all parameters, newest acquire first.",
        listing=Listing[Lifecycle],
        filters={
            "id": text("id", "Only the one with this id."),
            "process": text("process", "Only those of the process with this id."),
            "resource": text("resource", "Only those of the resource with this id."),
            "task": text("task", "Only those of the task with this id."),
            "trace": text("trace", "Only those of the trace with this id."),
            "phase": choice("phase", "Only those in this phase.", get_args(Phase)),
            "outcome": choice(
                "outcome",
                "error, cancelled: at least one phase ended this way. ok: closed, and every phase ended ok.",
                get_args(Outcome),
            ),
            "min_wait_ns": milliseconds(
                "min_wait_ms", "Only those that waited at least this long, or have waited this long so far."
            ),
            "min_hold_ns": milliseconds(
                "min_hold_ms", "Only those that held at least this long, or have held this long so far."
            ),
            "status": integer("status", "Only requests with this HTTP status, for example 404.", 100, 999),
            "since_ns": instant("since", "Only those whose acquire began at this instant or later.", time.time_ns),
            "until_ns": instant("until", "Only those whose acquire began before this instant.", time.time_ns),
            "internal": INTERNAL,
        },
        query=LifecycleQuery,
        read=lambda store, query: store.lifecycles(query),
    )
]
