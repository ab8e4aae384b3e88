"""Starlette and FastAPI: each request is a lifecycle, named by its route, "GET /orders/{id}".

At first its name is the method. Then it gets the route that the framework finds: the framework calls that route's
``handle``, and a mount's ``handle`` before those of its routes. Nothing is matched here, so the program's converters
and routes run as often as without Tenure. A request that no route answers (a middleware or a redirect does) keeps the
method as its name. An application that is mounted in another is part of the outer request. A websocket's lifecycle
lasts as long as its connection.
"""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType

from tenure._core.object_access import attribute
from tenure._identify import libraries
from tenure._identify.kinds import kind_name
from tenure._patching import class_patches
from tenure._rewriting import post_import
from tenure.adapters._kit import asgi, asgi_requests, before_call, handler_sites
from tenure.adapters._kit.asgi_requests import Named, Scope
from tenure.adapters._kit.lifespans import Served

_KIND = "starlette.requests.Request"
_FASTAPI = "fastapi.routing"
_LOOKING = "noting the route of a request"


def install(applications: ModuleType) -> None:
    """Patch Starlette, of which FastAPI is a subclass, and the routes of both."""
    kind = applications.Starlette
    libraries.know_framework("starlette", "fastapi")
    libraries.know("starlette._utils", "starlette.middleware.base", "starlette.middleware.wsgi", "starlette.responses")
    class_patches.replace(kind, "__call__", asgi.handling(kind.__call__, asgi.itself, _Framework()))
    routing = sys.modules["starlette.routing"]
    for route in (routing.Route, routing.WebSocketRoute):
        class_patches.replace(route, "handle", before_call.looking(route.handle, _selected, _LOOKING))
    mounted = _Mounted((routing.Router, kind))
    for mount in (routing.Mount, routing.Host):
        class_patches.replace(mount, "handle", before_call.looking(mount.handle, mounted.selected, _LOOKING))
    class_patches.replace(
        routing.Router, "not_found", before_call.looking(routing.Router.not_found, _refused, _LOOKING)
    )
    post_import.after_import(_FASTAPI, _install_fastapi)


def _install_fastapi(routing: ModuleType) -> None:
    """Patch the ``handle`` that newer versions of FastAPI define, for routes of included routers."""
    if "handle" in vars(routing.APIRoute):
        handle = routing.APIRoute.handle
        class_patches.replace(routing.APIRoute, "handle", before_call.looking(handle, _selected, _LOOKING))


class _Framework:
    def request(self, application: object, scope: Scope) -> Named:
        return Named(_KIND, asgi_requests.method(scope), application)

    def lifespan(self, application: object) -> tuple[Served, str]:
        """Describe the lifespan; its site is the program's own lifespan function, if there is one."""
        context = attribute(attribute(application, "router"), "lifespan_context")
        place = context if type(context) is FunctionType else type(application)
        return Served(kind_name(type(application)), application), handler_sites.of_callable(place, "lifespan")


def _selected(route: object, scope: Scope, *_: object) -> None:
    """Name the request by the route that was found, for this method or for others.

    Called again if a subclass calls its base's ``handle``.
    """
    request = asgi_requests.running(scope)
    if request is None:
        return
    effective = _effective(route, scope)
    methods, method = attribute(effective, "methods"), asgi_requests.get(scope, "method")
    if type(methods) is set and methods and type(method) is str and method not in methods:
        request.set_route(_KIND, "405 Method Not Allowed", None)
        return
    pattern = _text(attribute(effective, "path_format")) or _text(attribute(effective, "path"))
    endpoint = attribute(effective, "endpoint") or asgi_requests.get(scope, "endpoint")
    request.set_route(
        _KIND, f"{asgi_requests.method(scope)} {request.prefix(asgi_requests.root(scope))}{pattern}", endpoint
    )


class _Mounted:
    """Names requests by mounts; ``routers`` are the classes that search a route themselves."""

    def __init__(self, routers: tuple[type, ...]) -> None:
        self._routers = routers

    def selected(self, mount: object, scope: Scope, *_: object) -> None:
        """Add the pattern of a mount that was found before those of its routes."""
        request = asgi_requests.running(scope)
        if request is None:
            return
        prefix = request.mount(asgi_requests.root(scope), _text(attribute(mount, "path")))
        application = attribute(mount, "app")
        if not issubclass(type(application), self._routers):
            request.set_route(_KIND, f"{asgi_requests.method(scope)} {prefix}".rstrip(), application)


def _refused(_: object, scope: Scope, *__: object) -> None:
    """Name a request that no route matches; the client's path is not in the name, so names stay few."""
    request = asgi_requests.running(scope)
    if request is not None:
        request.set_route(_KIND, "404 Not Found", None)


def _effective(route: object, scope: Scope) -> object:
    """Return the route, or FastAPI's context of a route in an included router, which has the whole pattern."""
    own = asgi_requests.get(scope, "fastapi")
    context = own.get("effective_route_context") if type(own) is dict else None
    if type(context).__module__ == _FASTAPI and attribute(context, "original_route") is route:
        return context
    return route


def _text(value: object) -> str:
    return value if type(value) is str else ""
