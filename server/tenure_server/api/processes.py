"""GET /api/processes."""

from __future__ import annotations

from aiohttp import web

from tenure_server.http.app_keys import STORE
from tenure_server.http.parameters import CURSOR, LIMIT, read_paging
from tenure_server.http.routes import JSON, Route, json_response
from tenure_server.model.records import Process
from tenure_server.store import Listing


async def get_processes(request: web.Request) -> web.Response:
    return json_response(await request.app[STORE].processes(read_paging(request.query)))


ROUTES = [
    Route(
        "GET",
        "/api/processes",
        get_processes,
        "Processes, newest first. alive: the process sent a batch in the last 10 s and has not ended.",
        parameters=[LIMIT, CURSOR],
        answers={JSON: Listing[Process]},
        errors=[400, 503],
    )
]
