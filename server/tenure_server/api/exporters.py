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
        "The exporters (tenure serve --otlp): where each sends spans, and its progress.",
        answers={JSON: Listing[Exporter]},
    )
]
