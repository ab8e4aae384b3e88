"""Quart: each request is a lifecycle, named by Flask's rule, "GET /orders/<int:id>", whatever server calls.

Its name is the method until Quart has matched the rule, which comes before the program's own functions. An exception
that no handler of the program caught is a failure. A websocket's lifecycle lasts as long as its connection.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

from tenure._core.object_access import attribute, library_attribute
from tenure._core.wrapping import Method
from tenure._identify import libraries, task_names
from tenure._patching import class_patches
from tenure._patching.bodies import immediate
from tenure.adapters._kit import asgi, asgi_requests, before_call
from tenure.adapters._kit.asgi_requests import Request, Scope

_KIND = "quart.Request"
_LOOKING, _FAILING = "noting the route of a request", "noting the failure of a request"  # said where they fail


def install(module: ModuleType) -> None:
    """Patch Quart, and the contexts that match the rule."""
    libraries.know("quart.asgi", "quart.ctx", "quart.utils")
    kind = module.Quart
    for connection, handle in (("HTTP", "request"), ("Websocket", "websocket")):
        task_names.entitle(f"ASGI{connection}Connection.handle_{handle}", handle)
    class_patches.replace(kind, "__call__", asgi.handling(kind.__call__, asgi.itself, asgi.Kind(_KIND)))
    for name in ("handle_exception", "handle_websocket_exception"):
        class_patches.replace(kind, name, before_call.looking(getattr(kind, name), _failed, _FAILING))
    for context in ("RequestContext", "WebsocketContext"):
        _patch_matching(getattr(sys.modules["quart.ctx"], context))


def _patch_matching(context: type) -> None:
    """Patch the class that defines ``match_request`` for this context."""
    owner = next(base for base in context.__mro__ if "match_request" in vars(base))
    class_patches.replace(owner, "match_request", _matching(vars(owner)["match_request"]))


def _matching(original: Method) -> Method:
    return immediate.enter(original, _LOOKING, after=_matched)


def _matched(_: object, __: object, context: object) -> None:
    connection = attribute(context, "request_websocket")
    request = _request(connection)
    if request is None:
        return
    request.handled_here()
    refused = attribute(connection, "routing_exception")
    if refused is not None:
        _refused(request, refused)
        return
    rule = attribute(connection, "url_rule")
    pattern, endpoint = attribute(rule, "rule"), attribute(rule, "endpoint")
    if type(pattern) is not str:
        return
    scope = cast("Scope", attribute(connection, "scope"))
    prefix = request.prefix(asgi_requests.root(scope))
    functions = cast("dict[object, object]", attribute(attribute(context, "app"), "view_functions"))
    view = dict.get(functions, endpoint) if issubclass(type(functions), dict) else None
    request.found(_KIND, f"{asgi_requests.method(scope)} {prefix}{pattern}", view)


def _refused(request: Request, refused: object) -> None:
    """Name a request that no rule matches; a redirect to the rule's own path keeps the method as its name."""
    code, name = (library_attribute(refused, part, "werkzeug") for part in ("code", "name"))
    if type(code) is int and type(name) is str and code >= 400:
        request.found(_KIND, f"{code} {name}", None)


def _request(connection: object) -> Request | None:
    return asgi_requests.of(attribute(connection, "scope"), None)


def _failed(_: object, error: BaseException) -> None:
    request = asgi_requests.handled()
    if request is not None:
        request.failed(error)
