"""GET /api/resources."""

from __future__ import annotations

from aiohttp import web

from tenure_server.http.app_keys import STORE
from tenure_server.http.parameters import CURSOR, LIMIT, flag, read_paging, text
from tenure_server.http.routes import JSON, Route, json_response
from tenure_server.model.records import Resource
from tenure_server.store import Listing, ResourceQuery

PROCESS = text("process", "Only those of the process with this id.")
KIND = text("kind", "Only those of this qualified type name, such as asyncio.locks.Lock.")
OPEN = flag("open", "1: only those that are held or waited for; 0: only the others.")


async def get_resources(request: web.Request) -> web.Response:
    query = ResourceQuery(
        process=PROCESS.read(request.query),
        kind=KIND.read(request.query),
        open=OPEN.read(request.query),
        paging=read_paging(request.query),
    )
    return json_response(await request.app[STORE].resources(query))


ROUTES = [
    Route(
        "GET",
        "/api/resources",
        get_resources,
        "Resources, newest first, with their holders and waiters in order of arrival. Percentiles are exact within"
        " 2.5 %; failed counts lifecycles with a phase that failed.",
        parameters=[PROCESS, KIND, OPEN, LIMIT, CURSOR],
        answers={JSON: Listing[Resource]},
        errors=[400, 503],
    )
]
