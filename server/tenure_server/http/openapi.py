"""GET /api/openapi.json: generated from the routes, the structs and their docstrings."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from inspect import cleandoc

import msgspec
from aiohttp import web

from tenure_server.http import problems
from tenure_server.http.routes import Route, Shape, json_response

Document = dict[str, object]

_ERRORS = {
    400: "A parameter or the body is invalid; `detail` says which and why.",
    401: "The token is missing or wrong.",
    403: "The Host, Origin or Sec-Fetch-Site of the request is not allowed.",
    404: "The store does not have the subject.",
    408: "The body was not complete in time.",
    413: "The body is too large.",
    415: "The Content-Type or the Content-Encoding is not supported.",
    426: "The request is not a WebSocket handshake.",
    429: "Too many wrong tokens came from this address; Retry-After says when to retry.",
    503: "The collector cannot store or read this now; Retry-After says when to retry.",
}
_ALWAYS = (401, 403, 429)


def document(routes: Sequence[Route]) -> Document:
    """The OpenAPI 3.1 description of the routes."""
    answers = [answer for route in routes for answer in (route.answers, route.errors_as or {})]
    shapes = [shape for answer in answers for shape in answer.values() if shape is not None]
    schemas, components = msgspec.json.schema_components(
        [*shapes, problems.ProblemDocument], ref_template="#/components/schemas/{name}"
    )
    for component in components.values():
        if "description" in component:
            component["description"] = cleandoc(component["description"])
    *of_shapes, problem = schemas
    schema_of = {id(shape): schema for shape, schema in zip(shapes, of_shapes, strict=True)}
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of, problem)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tenure collector",
            "version": version("tenure-server"),
            "description": "What asyncio programs hold. Times are integers, in nanoseconds since 1970-01-01. Lists are"
            " newest first.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(route: Route, schema_of: dict[int, dict[str, object]], problem: dict[str, object]) -> Document:
    content = _content(route.answers, schema_of)
    errors: dict[str, object] = {problems.CONTENT_TYPE: {"schema": problem}}
    if route.errors_as is not None:
        errors = _content(route.errors_as, schema_of)
    responses: Document = {"200": {"description": "Success.", "content": content}}
    if not content:
        responses = {"101": {"description": "The connection becomes a WebSocket (RFC 6455)."}}
    for status in (*_ALWAYS, *route.errors):
        responses[str(status)] = {
            "description": _ERRORS[status],
            "content": errors,
        }
    operation: Document = {"summary": route.summary, "responses": responses}
    if route.parameters:
        operation["parameters"] = [
            {
                "name": parameter.name,
                "in": "query",
                "required": False,
                "description": parameter.description,
                "schema": parameter.schema,
            }
            for parameter in route.parameters
        ]
    if route.takes:
        operation["requestBody"] = {"required": True, "content": {media: {"schema": {}} for media in route.takes}}
    return operation


def _content(answers: dict[str, Shape | None], schema_of: dict[int, dict[str, object]]) -> dict[str, object]:
    return {
        media: {"schema": {"type": "string"} if shape is None else schema_of[id(shape)]}
        for media, shape in answers.items()
    }


def routes_with_document(routes: Sequence[Route]) -> list[Route]:
    """The routes, and one more route that answers the description of all of them."""

    async def get_openapi(_: web.Request) -> web.Response:
        return json_response(described)

    own = Route("GET", "/api/openapi.json", get_openapi, "This description.", answers={"application/json": dict})
    every = [*routes, own]
    described = document(every)
    return every
