"""Litestar: each request is a lifecycle, named by its route, "GET /orders/{id:int}".

Litestar leaves the route in the scope; it is read when the route is called, after the middlewares. An exception that is
answered with a status of 500 or more is a failure.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

from tenure._core.object_access import attribute, library_attribute
from tenure._identify import libraries
from tenure._patching import class_patches
from tenure._rewriting import post_import
from tenure.adapters._kit import asgi, asgi_requests, before_call
from tenure.adapters._kit.asgi_requests import Scope

_KIND = "litestar.Request"
_LOOKING, _FAILING = "noting the route of a request", "noting the failure of a request"  # said where they fail
_EXCEPTIONS = "litestar.middleware._internal.exceptions.middleware"
_ROUTES = "HTTPRoute", "WebSocketRoute", "ASGIRoute"


def install(module: ModuleType) -> None:
    """Patch Litestar, its routes, and what answers exceptions."""
    libraries.know_framework("litestar")
    libraries.know("litestar.events.emitter")
    asgi.patch_application(module.Litestar, _KIND)
    routes = sys.modules["litestar.routes"]
    for route in (getattr(routes, name) for name in _ROUTES):
        class_patches.replace(route, "handle", before_call.looking(route.handle, _selected, _LOOKING))
    post_import.after_import(_EXCEPTIONS, _install_exceptions)


def _install_exceptions(module: ModuleType) -> None:
    """Patch what answers exceptions; it is imported with the first application."""
    middleware = module.ExceptionHandlerMiddleware
    answering = middleware.default_http_exception_handler
    class_patches.replace(
        middleware, "default_http_exception_handler", before_call.looking(answering, _failed, _FAILING)
    )


def _selected(route: object, scope: Scope, *_: object) -> None:
    request = asgi_requests.running(scope)
    pattern = asgi_requests.get(scope, "path_template") or attribute(route, "path")
    if request is None or type(pattern) is not str:
        return
    handler = asgi_requests.get(scope, "route_handler")
    prefix = request.prefix(asgi_requests.root(scope))
    function = library_attribute(handler, "fn", "litestar") or handler
    request.set_route(_KIND, f"{asgi_requests.method(scope)} {prefix}{pattern}", function)


def _failed(_: object, connection: object, error: BaseException) -> None:
    """No handler of the program answers this exception."""
    scope = cast("Scope", attribute(connection, "scope"))
    request = asgi_requests.running(scope)
    if request is None:
        return
    status = attribute(error, "status_code", 500)
    if type(status) is int and status >= 500:
        request.failed(error)
    elif type(status) is int and status in asgi_requests.REFUSALS and asgi_requests.get(scope, "path_template") is None:
        request.set_route(_KIND, asgi_requests.REFUSALS[status], None)
