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
_REFUSED = {404: "404 Not Found", 405: "405 Method Not Allowed"}


def install(module: ModuleType) -> None:
    """Patch Microdot."""
    libraries.know("microdot")
    kind = module.Microdot
    class_patches.replace(kind, "dispatch_request", _dispatching(kind.dispatch_request))
    class_patches.replace(kind, "find_route", _finding(kind.find_route))
    class_patches.replace(kind, "error_response", before_call.looking(kind.error_response, _answered, _LOOKING))


def _dispatching(original: Method) -> Method:
    def begin(_: object, arguments: tuple[object, ...], named: dict[str, object]) -> Request | None:
        own = _request_of(arguments, named)
        if own is None or _request(own) is not None:  # None: what came was no request
            return None
        return asgi_requests.begin_own(own, Named(KIND, _method(own), None))

    return awaited.method(original, _BEGIN, before=begin, after=_dispatched, failed=Request.end)


def _dispatched(request: Request, _: object) -> None:
    request.end(None)


def _finding(original: Method) -> Method:
    def begin(
        application: object, arguments: tuple[object, ...], named: dict[str, object]
    ) -> tuple[object, object] | None:
        own = _request_of(arguments, named)
        return (application, own) if _request(own) is not None else None

    return immediate.method(original, _LOOKING, before=begin, after=_found)


def _found(state: tuple[object, object], route: object) -> None:
    (application, own), (handler, *_) = state, cast("tuple[object, ...]", route)
    request, method = _request(own), _method(own)
    if request is None or issubclass(type(handler), (int, dict)):  # no route, or an answer to OPTIONS
        return
    pattern = _pattern(application, own, handler, "GET" if method == "HEAD" else method)
    request.found(KIND, f"{method} {pattern}".rstrip(), handler)


def _pattern(application: object, own: object, handler: object, method: str) -> str:
    """Return the pattern of the route with this handler; several routes may share it, and then the path decides."""
    routes = cast("list[tuple[list[str], object, object]]", attribute(application, "url_map", []))
    patterns = [pattern for methods, pattern, found, *_ in routes if found is handler and method in methods]
    if len(patterns) > 1:
        path = attribute(own, "path")
        patterns = [pattern for pattern in patterns if attribute(pattern, "regex").match(path)]  # type: ignore[attr-defined]
    text = attribute(patterns[0], "url_pattern") if patterns else ""
    return text if type(text) is str else ""


def _answered(_: object, own: object, status_code: int, *__: object, **___: object) -> None:
    """No handler of the program answers: there is no route, or an exception that nobody caught."""
    request, error = _request(own), sys.exception()
    if request is None:
        return
    if error is not None and status_code >= 500:
        request.failed(error)
    elif error is None and status_code in _REFUSED:
        request.found(KIND, _REFUSED[status_code], None)


def _request_of(arguments: tuple[object, ...], named: dict[str, object]) -> object:
    return arguments[0] if arguments else named.get("req")


def _request(own: object) -> Request | None:
    return asgi_requests.of(attribute(own, "asgi_scope"), own) if own is not None else None


def _method(own: object) -> str:
    return asgi_requests.method({"method": attribute(own, "method")})
