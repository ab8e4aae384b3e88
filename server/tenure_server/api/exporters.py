"""GET /api/exporters."""

from __future__ import annotations

from aiohttp import web

from tenure_server.export.status import Exporter
from tenure_server.http.app_keys import EXPORTERS
from tenure_server.http.routes import JSON, Route, json_response
from tenure_server.store import Listing


async def get_exporters(request: web.Request) -> web.Response:
    return json_response(Listing(request.app[EXPORTERS].status()))


ROUTES = [
    Route(
        "GET",
        "/api/exporters",
        get_exporters,
        "Where spans are exported to (tenure serve --otlp), and how far each exporter is.",
        answers={JSON: Listing[Exporter]},
    )
]
