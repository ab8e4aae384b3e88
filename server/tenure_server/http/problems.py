"""Errors as RFC 9457 problem documents, and the middleware that makes them from exceptions."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from tenure_server.errors import BadParameter, NotFound, RequestRefused, ServerError
from tenure_server.limits import RETRY_AFTER_S

CONTENT_TYPE = "application/problem+json"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger("tenure.server")


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error (RFC 9457). ``parameter`` names the query parameter that is wrong; it is left out for other errors."""

    type: str
    title: str
    status: int
    detail: str
    parameter: str | None = None


def problem(
    status: int, detail: str, *, parameter: str | None = None, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A problem document as a response. The title is the phrase of the status, as the type "about:blank" requires."""
    document = ProblemDocument("about:blank", HTTPStatus(status).phrase, status, detail, parameter)
    body = msgspec.json.encode(document)
    return web.Response(status=status, body=body, content_type=CONTENT_TYPE, headers=headers)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a handler raises into a problem document. An unexpected error is logged, and its text is not sent."""
    try:
        return await handler(request)
    except ServerError as error:
        return _from_server_error(error)
    except web.HTTPException as error:
        if error.status < 400:  # a redirection is no error
            raise
        return _from_http_exception(request, error)
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return problem(500, "the collector failed to handle this request (its log gives the reason)")


def _from_server_error(error: ServerError) -> web.Response:
    match error:
        case BadParameter():
            return problem(400, f"{error.parameter}: {error}", parameter=error.parameter)
        case NotFound():
            return problem(404, str(error))
        case RequestRefused():
            return problem(error.status, str(error), headers=error.headers)
        case _:
            return problem(503, str(error), headers={"Retry-After": str(RETRY_AFTER_S)})


def _from_http_exception(request: web.Request, error: web.HTTPException) -> web.Response:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return problem(405, f"{request.path} accepts {allowed}, not {error.method}", headers={"Allow": allowed})
    if isinstance(error, web.HTTPNotFound):
        return problem(404, f"unknown path {request.path[:200]}")
    return problem(error.status, error.text or error.reason)
