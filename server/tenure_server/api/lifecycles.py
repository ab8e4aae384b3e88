"""GET /api/lifecycles."""

from __future__ import annotations

import time
from typing import get_args

from aiohttp import web

from tenure_server.http.app_keys import STORE
from tenure_server.http.parameters import CURSOR, LIMIT, choice, instant, milliseconds, read_paging, text
from tenure_server.http.routes import JSON, Route, json_response
from tenure_server.model.records import Lifecycle, Outcome, Phase
from tenure_server.store import LifecycleQuery, Listing

ID = text("id", "Only the one with this id.")
PROCESS = text("process", "Only those of the process with this id.")
RESOURCE = text("resource", "Only those of the resource with this id.")
TASK = text("task", "Only those of the task with this id.")
TRACE = text("trace", "Only those of the trace with this id.")
PHASE = choice("phase", "Only those in this phase.", get_args(Phase))
OUTCOME = choice(
    "outcome",
    "error, cancelled: at least one phase ended this way. ok: closed, and every phase ended ok.",
    get_args(Outcome),
)
MIN_WAIT = milliseconds("min_wait_ms", "Only those that waited at least this long, or have waited this long so far.")
MIN_HOLD = milliseconds("min_hold_ms", "Only those that held at least this long, or have held this long so far.")
SINCE = instant("since", "Only those whose acquire began at this instant or later.", time.time_ns)
UNTIL = instant("until", "Only those whose acquire began before this instant.", time.time_ns)


async def get_lifecycles(request: web.Request) -> web.Response:
    query = request.query
    return json_response(
        await request.app[STORE].lifecycles(
            LifecycleQuery(
                id=ID.read(query),
                process=PROCESS.read(query),
                resource=RESOURCE.read(query),
                task=TASK.read(query),
                trace=TRACE.read(query),
                phase=PHASE.read(query),
                outcome=OUTCOME.read(query),
                min_wait_ns=MIN_WAIT.read(query),
                min_hold_ns=MIN_HOLD.read(query),
                since_ns=SINCE.read(query),
                until_ns=UNTIL.read(query),
                paging=read_paging(query),
            )
        )
    )


ROUTES = [
    Route(
        "GET",
        "/api/lifecycles",
        get_lifecycles,
        "Lifecycles that match all parameters, newest acquire first.",
        parameters=[
            ID,
            PROCESS,
            RESOURCE,
            TASK,
            TRACE,
            PHASE,
            OUTCOME,
            MIN_WAIT,
            MIN_HOLD,
            SINCE,
            UNTIL,
            LIMIT,
            CURSOR,
        ],
        answers={JSON: Listing[Lifecycle]},
        errors=[400, 503],
    )
]
