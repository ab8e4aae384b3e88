"""Quart: each request is a lifecycle, named by Flask's rule, "GET /orders/<int:id>", whatever server calls.

Its name is the method until Quart has matched the rule, which comes before the program's own functions. An exception
that no handler of the program caught is a failure. A websocket's lifecycle lasts as long as its connection.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

from tenure._core.object_access import attribute, library_attribute, namespace
from tenure._core.wrapping import Method
from tenure._identify import libraries, task_names
from tenure._patching import class_patches
from tenure._patching.bodies import immediate
from tenure.adapters._kit import asgi, asgi_requests, before_call
from tenure.adapters._kit.asgi_requests import Request, Scope

_KIND = "quart.Request"
_LOOKING, _FAILING = "noting the route of a request", "noting the failure of a request"  # said where they fail
_CONNECTIONS = "request_websocket", "_request", "_websocket"  # attributes of a context: up to Quart 0.22, and since


def install(module: ModuleType) -> None:
    """Patch Quart, and the contexts that match the rule."""
    libraries.know("quart.asgi", "quart.ctx", "quart.utils")
    kind = module.Quart
    for connection, handle in (("HTTP", "request"), ("Websocket", "websocket")):
        task_names.entitle(f"ASGI{connection}Connection.handle_{handle}", handle)
    asgi.patch_application(kind, _KIND)
    for name in ("handle_exception", "handle_websocket_exception"):
        class_patches.replace(kind, name, before_call.looking(getattr(kind, name), _failed, _FAILING))
    contexts = [kind for kind in vars(sys.modules["quart.ctx"]).values() if _matches(kind)]
    if not contexts:
        raise TypeError("no context matches a rule")
    for context in contexts:
        class_patches.replace(context, "match_request", _matching(vars(context)["match_request"]))


def _matches(kind: object) -> bool:
    """Whether this class defines ``match_request``: one of two bases up to Quart 0.22, then AppContext."""
    return issubclass(type(kind), type) and "match_request" in namespace(cast("type", kind))


def _matching(original: Method) -> Method:
    return immediate.enter(original, _LOOKING, after=_matched)


def _matched(_: object, __: object, context: object) -> None:
    connections = (attribute(context, name) for name in _CONNECTIONS)
    connection = next((connection for connection in connections if connection is not None), None)
    request = _request(connection)
    if request is None:
        return
    request.bind_to_task()
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
    request.set_route(_KIND, f"{asgi_requests.method(scope)} {prefix}{pattern}", view)


def _refused(request: Request, refused: object) -> None:
    """Name a request that no rule matches; a redirect to the rule's own path keeps the method as its name."""
    code, name = (library_attribute(refused, part, "werkzeug") for part in ("code", "name"))
    if type(code) is int and type(name) is str and code >= 400:
        request.set_route(_KIND, f"{code} {name}", None)


def _request(connection: object) -> Request | None:
    return asgi_requests.find(attribute(connection, "scope"), None)


def _failed(*arguments: object) -> None:
    """Of the application, its context (since Quart 0.23), and the exception."""
    request = asgi_requests.current()
    if request is not None:
        request.failed(cast("BaseException", arguments[-1]))
