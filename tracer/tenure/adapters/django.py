"""Django: each request is a lifecycle, named by its route, "GET /orders/<int:pk>/", the parent of all it holds.

An ASGI request begins at the server, or at Django's handler. A WSGI request (``runserver`` has them) lasts while Django
makes its response. Its name is the method until Django has resolved the route, which comes after the middlewares. An
exception that Django answers by its page for errors is a failure.
"""

from __future__ import annotations

import sys
from types import ModuleType

from tenure._core.object_access import attribute, type_name
from tenure._core.wrapping import Method
from tenure._identify import libraries, task_names
from tenure._patching import class_patches
from tenure._patching.bodies import immediate
from tenure.adapters._kit import asgi_requests, before_call
from tenure.adapters._kit.asgi_requests import Named, Request

KIND = "django.http.HttpRequest"
_BEGIN, _LOOKING = "noting the begin of a request", "noting the route of a request"  # said where they fail
_NOT_FOUND = "404 Not Found"


def install(base: ModuleType) -> None:
    """Patch BaseHandler, and the function that answers exceptions which nobody caught."""
    libraries.know("django.core.handlers.asgi", "asgiref")
    kind = base.BaseHandler
    task_names.entitle("ASGIHandler.handle.<locals>.process_request", "request")
    class_patches.replace(kind, "resolve_request", _resolving(kind.resolve_request))
    class_patches.replace(kind, "get_response", _responding(kind.get_response))
    exception = sys.modules["django.core.handlers.exception"]
    answering = before_call.looking(exception.handle_uncaught_exception, _failed, _LOOKING)
    class_patches.replace(exception, "handle_uncaught_exception", answering)


def _responding(original: Method) -> Method:
    """WSGI's way to a response."""

    def begin(_: object, arguments: tuple[object, ...], named: dict[str, object]) -> Request | None:
        request = _request_of(arguments, named)
        if _request(request) is not None:
            return None
        return asgi_requests.begin_without_scope(request, Named(KIND, asgi_requests.method_of(request), None))

    return immediate.method(original, _BEGIN, before=begin, after=asgi_requests.finish, failed=Request.end)


def _resolving(original: Method) -> Method:
    def begin(_: object, arguments: tuple[object, ...], named: dict[str, object]) -> object:
        return _request_of(arguments, named)

    return immediate.method(original, _LOOKING, before=begin, after=_resolved, failed=_unresolved)


def _resolved(request: object, match: object) -> None:
    running, route = _request(request), attribute(match, "route")
    if running is not None and type(route) is str:
        running.set_route(KIND, f"{asgi_requests.method_of(request)} /{route}", attribute(match, "func"))


def _unresolved(request: object, error: BaseException) -> None:
    running = _request(request)
    if running is not None and type_name(type(error)).endswith(".Resolver404"):
        running.set_route(KIND, _NOT_FOUND, None)


def _failed(request: object, _: object, exc_info: tuple[object, BaseException, object]) -> None:
    running = _request(request)
    if running is not None:
        running.failed(exc_info[1])


def _request_of(arguments: tuple[object, ...], named: dict[str, object]) -> object:
    return arguments[0] if arguments else named.get("request")


def _request(request: object) -> Request | None:
    return asgi_requests.find(attribute(request, "scope"), request)
