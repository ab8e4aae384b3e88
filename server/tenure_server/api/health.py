"""GET /healthz and GET /readyz."""

from __future__ import annotations

from typing import Literal

import msgspec
from aiohttp import web

from tenure_server.http.app_keys import STORE
from tenure_server.http.routes import JSON, Route, json_response


class Health(msgspec.Struct, frozen=True):
    """The collector works as asked. If not, the answer is a problem document with 503."""

    status: Literal["ok"] = "ok"


async def get_healthz(_: web.Request) -> web.Response:
    return json_response(Health())


async def get_readyz(request: web.Request) -> web.Response:
    """Answer whether the last write to the store succeeded. Nothing is written for it."""
    await request.app[STORE].check()
    return json_response(Health())


ROUTES = [
    Route("GET", "/healthz", get_healthz, "Whether the collector is running.", answers={JSON: Health}),
    Route(
        "GET",
        "/readyz",
        get_readyz,
        "Whether the store accepts lifecycles.",
        answers={JSON: Health},
        errors=[503],
    ),
]
