"""GET /api/traces."""

from __future__ import annotations

import time

from aiohttp import web

from tenure_server.http.app_keys import STORE
from tenure_server.http.parameters import CURSOR, LIMIT, instant, read_paging, text
from tenure_server.http.routes import JSON, Route, json_response
from tenure_server.model.records import Trace
from tenure_server.store import Listing, TraceQuery

PROCESS = text("process", "Only those in which the process with this id takes part.")
SERVICE = text("service", "Only those in which a process of this service takes part.")
SINCE = instant("since", "Only those that began at this instant or later.", time.time_ns)
UNTIL = instant("until", "Only those that began before this instant.", time.time_ns)


async def get_traces(request: web.Request) -> web.Response:
    query = TraceQuery(
        process=PROCESS.read(request.query),
        service=SERVICE.read(request.query),
        since_ns=SINCE.read(request.query),
        until_ns=UNTIL.read(request.query),
        paging=read_paging(request.query),
    )
    return json_response(await request.app[STORE].traces(query))


ROUTES = [
    Route(
        "GET",
        "/api/traces",
        get_traces,
        "Traces, newest first. open: lifecycles not closed yet; errors: lifecycles with a phase that failed.",
        parameters=[PROCESS, SERVICE, SINCE, UNTIL, LIMIT, CURSOR],
        answers={JSON: Listing[Trace]},
        errors=[400, 503],
    )
]
