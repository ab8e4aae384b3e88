"""aiohttp.web: each request is a lifecycle, named by its route, "GET /orders/{id}", the parent of all it holds.

It begins when the route is known, before the middlewares, and ends when the response or exception has passed them. A
handler may end a request by raising an HTTPException: with a status below 500 that is an ordinary end, from 500 on an
error like any other exception. The status is noted at the end.
"""

from __future__ import annotations

from types import ModuleType
from typing import cast

from tenure import _probe_api as probe
from tenure import semconv
from tenure._assembly import request_status
from tenure._core.object_access import attribute, library_attribute
from tenure._core.record_layout import TASK
from tenure._core.wrapping import Method
from tenure._identify import libraries, request_tasks, resources, task_names, tracer
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure._patching.bodies import awaited
from tenure.adapters._kit import handler_sites

_HANDLING, _BEGIN = "noting the end of a request", "noting the begin of a request"  # said where they fail


class _Requests:
    """The requests that are being handled, by address."""

    def __init__(self) -> None:
        self.records: dict[int, probe.Record | None] = {}  # None: its route is not known yet
        self.routes: dict[int, str] = {}  # until its lifecycle has begun


def install(web: ModuleType) -> None:
    """Patch Application and UrlDispatcher."""
    libraries.know("aiohttp.web_protocol", "aiohttp.web_ws")
    application, dispatcher = web.Application, web.UrlDispatcher
    handle = application._handle  # noqa: SLF001  # there is no public entry
    resources.register(web.Request, _request)
    task_names.entitle("RequestHandler._handle_request", "request")
    task_names.entitle("RequestHandler.start", "connection")
    class_patches.replace(application, "_handle", _handling(handle, web.HTTPException))
    class_patches.replace(dispatcher, "resolve", _resolving(dispatcher.resolve))


def _request(request: object, _: str) -> Description:
    return Description(
        "aiohttp.web.Request",
        None,
        name=tracer.current.of(_Requests).routes.get(id(request), ""),
        enter="request",
        exit="response",
    )


def _handling(original: Method, ordinary: type[Exception]) -> Method:
    def begin(_: object, arguments: tuple[object, ...], named: dict[str, object]) -> object:
        request = _request_of(arguments, named)
        tracer.current.of(_Requests).records[id(request)] = None
        return request

    def end(request: object, response: object) -> None:
        _end(request, None, attribute(response, "_status"))

    def failed(request: object, error: BaseException) -> None:
        if not issubclass(type(error), ordinary):
            _end(request, error, _status_of_failure(request, error))
            return
        status = _status(error)
        _end(request, error if status >= 500 else None, status)

    return awaited.method(original, _HANDLING, before=begin, after=end, failed=failed)


def _resolving(original: Method) -> Method:
    def begin(_: object, arguments: tuple[object, ...], named: dict[str, object]) -> object:
        return _request_of(arguments, named)

    def resolved(request: object, match: object) -> None:
        records = tracer.current.of(_Requests).records
        if records.get(id(request), ...) is None:  # it is handled, and not by a sub-application already begun
            _begin(request, match)

    return awaited.method(original, _BEGIN, before=begin, after=resolved)


def _request_of(arguments: tuple[object, ...], named: dict[str, object]) -> object:
    return arguments[0] if arguments else named.get("request")


def _begin(request: object, match: object) -> None:
    requests = tracer.current.of(_Requests)
    try:
        requests.routes[id(request)] = _route(request, match)
        record = probe.enter(request, handler_sites.of_callable(_of(match, "handler")))
        if record is not None:
            probe.acquired(record)
            request_tasks.begin(cast("int", record[TASK]), requests.routes[id(request)])
        requests.records[id(request)] = record
    finally:
        requests.routes.pop(id(request), None)


def _end(request: object, error: BaseException | None, status: object) -> None:
    record = tracer.current.of(_Requests).records.pop(id(request), None)
    if record is not None:
        request_status.note(record, status)
        probe.leaving(record, error)
        probe.released(record, False)


def _status(error: BaseException) -> int:
    status = attribute(error, "_status")
    return status if type(status) is int else 500


def _status_of_failure(request: object, error: BaseException) -> int | None:
    """Return the status with which aiohttp answers an exception; None if it cannot answer, or has answered already."""
    kind, sent = type(error), attribute(attribute(request, "_payload_writer"), "output_size", 0)
    if not issubclass(kind, Exception) or sent != 0:
        return None
    return 504 if issubclass(kind, TimeoutError) else 500


def _route(request: object, match: object) -> str:
    """Name a request by its method and its route's pattern; "404 Not Found" if no route matches.

    No path and no unknown method of a client is in a name, so the number of names is bounded by the number of routes.
    """
    refused = _of(match, "http_exception")
    if refused is not None:
        return f"{_of(refused, 'status')} {_of(refused, 'reason')}"
    route, method = _of(match, "route"), _of(request, "method")
    resource = _of(route, "resource")
    pattern = _of(route, "name") if resource is None else _of(resource, "canonical")
    method = method if type(method) is str and method in semconv.METHODS else "*"
    return f"{method} {pattern if type(pattern) is str else ''}"


def _of(thing: object, name: str) -> object:
    """Read an attribute, only if the class is aiohttp's own and not the program's subclass."""
    return library_attribute(thing, name, "aiohttp")
