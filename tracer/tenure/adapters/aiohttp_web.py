"""aiohttp.web: each request is a lifecycle named by its route, "GET /orders/{id}"; all that it holds hangs under it.

It begins when the route is known, before the middlewares, and ends when the handler's response (or exception) comes
back out of them. A handler may end a request by raising an HTTPException: below 500 that is an ordinary end, from 500
on an error like any other exception.
"""

from __future__ import annotations

from types import ModuleType

from tenure import _probe_api as probe
from tenure._core import faults
from tenure._core.object_access import attribute, library_attribute
from tenure._identify import libraries, resources, task_names, tracer
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters._kit import handler_sites

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})


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


def _handling(original: class_patches.Method, ordinary: type[Exception]) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    async def handle(application: object, request: object) -> object:
        records = tracer.current.of(_Requests).records
        records[id(request)] = None
        try:
            response = await original(application, request)  # type: ignore[misc]
        except BaseException as error:
            record = records.pop(id(request), None)
            if record is not None:
                _end(record, None if issubclass(type(error), ordinary) and _status(error) < 500 else error)
            class_patches.strip_frame(error, handle.__code__)
            raise
        record = records.pop(id(request), None)
        if record is not None:
            _end(record, None)
        return response

    return handle


def _resolving(original: class_patches.Method) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    async def resolve(dispatcher: object, request: object) -> object:
        try:
            match = await original(dispatcher, request)  # type: ignore[misc]
        except BaseException as error:
            class_patches.strip_frame(error, resolve.__code__)
            raise
        if (
            tracer.current.of(_Requests).records.get(id(request), ...) is None
        ):  # it is being handled, and not by a sub-application already begun
            _begin(request, match)
        return match

    return resolve


def _begin(request: object, match: object) -> None:
    requests = tracer.current.of(_Requests)
    try:
        requests.routes[id(request)] = _route(request, match)
        record = probe.enter(request, handler_sites.of_callable(_of(match, "handler")))
        if record is not None:
            probe.acquired(record)
        requests.records[id(request)] = record
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("noting the begin of a request", error)
    finally:
        requests.routes.pop(id(request), None)


def _end(record: probe.Record, error: BaseException | None) -> None:
    probe.leaving(record, error)
    probe.released(record, False)


def _status(error: BaseException) -> int:
    status = attribute(error, "_status")
    return status if type(status) is int else 500


def _route(request: object, match: object) -> str:
    """The request's method and its route's pattern; "404 Not Found" where no route takes it.

    What a client made up, a path or a method, is in neither, so that there are no more names than routes.
    """
    refused = _of(match, "http_exception")
    if refused is not None:
        return f"{_of(refused, 'status')} {_of(refused, 'reason')}"
    route, method = _of(match, "route"), _of(request, "method")
    resource = _of(route, "resource")
    pattern = _of(route, "name") if resource is None else _of(resource, "canonical")
    method = method if type(method) is str and method in _METHODS else "*"
    return f"{method} {pattern if type(pattern) is str else ''}"


def _of(thing: object, name: str) -> object:
    """An attribute; not of what the program made of aiohttp's classes itself."""
    return library_attribute(thing, name, "aiohttp")
