"""One handler for every address that lists rows of the store: filters, paging, cursor, JSON and errors.

An address says which query it makes of which parameters, and which method of the store answers it. The answer is a
``Listing``: newest first, ``limit`` rows, and the cursor of the next page.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from aiohttp import web

from tenure_server.http.app_keys import STORE
from tenure_server.http.parameters import CURSOR, LIMIT, Parameter, read_paging
from tenure_server.http.routes import JSON, Route, Shape, json_response
from tenure_server.store import Listing, Store

Item = TypeVar("Item")
Query = TypeVar("Query")


def list_route(
    path: str,
    summary: str,
    *,
    listing: Shape,
    filters: Mapping[str, Parameter[object]],
    query: Callable[..., Query],
    read: Callable[[Store, Query], Awaitable[Listing[Item]]],
) -> Route:
    """A route for GET that lists what ``read`` answers to a query.

    ``filters`` are the parameters by the name of the query's field that each one fills; a parameter that the request
    does not have fills it with None. ``query`` takes these fields and ``paging``. ``listing`` is the type of the JSON.

    Raises:
        TypeError: a filter is no field of the query.
    """
    inspect.signature(query).bind(**filters, paging=None)

    async def get_list(request: web.Request) -> web.Response:
        fields = {field: parameter.read(request.query) for field, parameter in filters.items()}
        store = request.app[STORE]
        return json_response(await read(store, query(**fields, paging=read_paging(request.query))))

    return Route(
        "GET",
        path,
        get_list,
        summary,
        parameters=[*filters.values(), LIMIT, CURSOR],
        answers={JSON: listing},
        errors=[400, 503],
    )
