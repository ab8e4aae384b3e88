"""Sanic: each request is a lifecycle, named by its route, "GET /orders/<pk:int>", on its own server and by ASGI.

Its name is the method until Sanic's router has found the route. An exception that no handler of the program answers is
a failure, unless its status is below 500. At its start Sanic compiles some of its own methods a second time and
replaces them, so they are patched again.
"""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple, cast

from tenure._core.object_access import attribute
from tenure._core.wrapping import Method
from tenure._identify import libraries, task_names
from tenure._patching import class_patches
from tenure._patching.bodies import awaited, immediate
from tenure.adapters._kit import asgi, asgi_requests, before_call
from tenure.adapters._kit.asgi_requests import Named, Request

_KIND = "sanic.Request"
# Said where they fail.
_BEGIN, _LOOKING = "noting the begin of a request", "noting the route of a request"
_FAILING = "noting the failure of a request"


def install(module: ModuleType) -> None:
    """Patch Sanic, its router, and what replaces its methods."""
    libraries.know("sanic")
    task_names.entitle("HttpProtocol.connection_task", "connection")
    kind, router = module.Sanic, module.Router
    asgi.patch_application(kind, _KIND)
    class_patches.replace(kind, "handle_request", _handling(kind.handle_request))
    class_patches.replace(router, "get", _routing(router.get))
    handler = module.ErrorHandler
    class_patches.replace(handler, "default", before_call.looking(handler.default, _answered, _FAILING))
    touch_up = module.TouchUp
    class_patches.replace(touch_up, "run", _touching_up(touch_up.run, kind))


def _touching_up(original: Method, kind: type) -> object:
    """What Sanic calls to compile its methods again, and their patches after it."""

    def patch_again(_: object, __: object, ___: object) -> None:
        class_patches.replace(kind, "handle_request", _handling(vars(kind)["handle_request"]))

    run = immediate.function(original, "patching what Sanic compiled", before=lambda *_: True, after=patch_again)
    return staticmethod(run)


def _handling(original: Method) -> Method:
    def begin(_: object, arguments: tuple[object, ...], named: dict[str, object]) -> _HandledRequest:
        framework_request = arguments[0] if arguments else named["request"]
        request = asgi_requests.find(attribute(attribute(framework_request, "transport"), "scope"), None)
        begins_here = request is None
        request = request or asgi_requests.begin_without_scope(
            framework_request, Named(_KIND, asgi_requests.method_of(framework_request), None)
        )
        request.bind_to_task()
        return _HandledRequest(request, begins_here)

    return awaited.method(original, _BEGIN, before=begin, after=_ended, failed=_failed)


class _HandledRequest(NamedTuple):
    """A request, and whether it began here: it came by Sanic's own server."""

    request: Request
    begins_here: bool


def _ended(handled: _HandledRequest, _: object) -> None:
    if handled.begins_here:
        handled.request.end(None)


def _failed(handled: _HandledRequest, error: BaseException) -> None:
    if handled.begins_here:
        handled.request.end(error)


def _answered(_: object, __: object, error: BaseException) -> None:
    """No handler of the program answers this exception."""
    request, status = asgi_requests.current(), attribute(error, "status_code", 500)
    if request is not None and type(status) is int and status >= 500:
        request.failed(error)


def _routing(original: Method) -> Method:
    """In the router's place; it is a cache, whose own functions stay."""

    def begin(_: object, arguments: tuple[object, ...], __: object) -> tuple[Request, object] | None:
        request = asgi_requests.current()
        return (request, arguments[1]) if request is not None else None

    get = immediate.method(original, _LOOKING, before=begin, after=_routed, failed=_unrouted)
    for name in ("cache_clear", "cache_info", "cache_parameters"):
        setattr(get, name, getattr(original, name))
    return get


def _routed(state: tuple[Request, object], route_and_handler: object) -> None:
    (request, method), (route, handler, *_) = state, cast("tuple[object, ...]", route_and_handler)
    path = attribute(route, "path")
    if type(path) is str:
        kind = "websocket" if attribute(handler, "is_websocket") is True else "http"
        request.set_route(_KIND, f"{asgi_requests.method({'type': kind, 'method': method})} /{path}", handler)


def _unrouted(state: tuple[Request, object], error: BaseException) -> None:
    status = attribute(error, "status_code")
    if type(status) is int and status in asgi_requests.REFUSALS:
        state[0].set_route(_KIND, asgi_requests.REFUSALS[status], None)
