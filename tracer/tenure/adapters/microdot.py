"""Microdot: each request is a lifecycle, named by its route, "GET /orders/<int:id>", on its own server and by ASGI.

Its name is the method until Microdot has found the route, before the program's own functions. An exception that no
handler of the program caught is a failure.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

from tenure._core.object_access import attribute
from tenure._core.wrapping import Method
from tenure._identify import libraries
from tenure._patching import class_patches
from tenure._patching.bodies import awaited, immediate
from tenure.adapters._kit import asgi_requests, before_call
from tenure.adapters._kit.asgi_requests import Named, Request

KIND = "microdot.Request"
_BEGIN, _LOOKING = "noting the begin of a request", "noting the route of a request"  # said where they fail


def install(module: ModuleType) -> None:
    """Patch Microdot."""
    libraries.know("microdot")
    kind = module.Microdot
    class_patches.replace(kind, "dispatch_request", _dispatching(kind.dispatch_request))
    class_patches.replace(kind, "find_route", _finding(kind.find_route))
    class_patches.replace(kind, "error_response", before_call.looking(kind.error_response, _answered, _LOOKING))


def _dispatching(original: Method) -> Method:
    def begin(_: object, arguments: tuple[object, ...], named: dict[str, object]) -> Request | None:
        framework_request = _request_of(arguments, named)
        if (
            framework_request is None or _request(framework_request) is not None
        ):  # None: the client sent no valid request
            return None
        return asgi_requests.begin_without_scope(
            framework_request, Named(KIND, asgi_requests.method_of(framework_request), None)
        )

    return awaited.method(original, _BEGIN, before=begin, after=asgi_requests.finish, failed=Request.end)


def _finding(original: Method) -> Method:
    def begin(
        application: object, arguments: tuple[object, ...], named: dict[str, object]
    ) -> tuple[object, object] | None:
        framework_request = _request_of(arguments, named)
        return (application, framework_request) if _request(framework_request) is not None else None

    return immediate.method(original, _LOOKING, before=begin, after=_found)


def _found(state: tuple[object, object], route: object) -> None:
    (application, framework_request), (handler, *_) = state, cast("tuple[object, ...]", route)
    request, method = _request(framework_request), asgi_requests.method_of(framework_request)
    if request is None or issubclass(type(handler), (int, dict)):  # no route, or an answer to OPTIONS
        return
    pattern = _pattern(application, framework_request, handler, "GET" if method == "HEAD" else method)
    request.set_route(KIND, f"{method} {pattern}".rstrip(), handler)


def _pattern(application: object, framework_request: object, handler: object, method: str) -> str:
    """Return the pattern of the route with this handler; several routes may share it, and then the path decides."""
    routes = cast("list[tuple[list[str], object, object]]", attribute(application, "url_map", []))
    patterns = [pattern for methods, pattern, function, *_ in routes if function is handler and method in methods]
    if len(patterns) > 1:
        path = attribute(framework_request, "path")
        patterns = [pattern for pattern in patterns if attribute(pattern, "regex").match(path)]  # type: ignore[attr-defined]
    text = attribute(patterns[0], "url_pattern") if patterns else ""
    return text if type(text) is str else ""


def _answered(_: object, framework_request: object, status_code: int, *__: object, **___: object) -> None:
    """No handler of the program answers: there is no route, or an exception that nobody caught."""
    request, error = _request(framework_request), sys.exception()
    if request is None:
        return
    if error is not None and status_code >= 500:
        request.failed(error)
    elif error is None and status_code in asgi_requests.REFUSALS:
        request.set_route(KIND, asgi_requests.REFUSALS[status_code], None)


def _request_of(arguments: tuple[object, ...], named: dict[str, object]) -> object:
    return arguments[0] if arguments else named.get("req")


def _request(framework_request: object) -> Request | None:
    return (
        asgi_requests.find(attribute(framework_request, "asgi_scope"), framework_request)
        if framework_request is not None
        else None
    )
