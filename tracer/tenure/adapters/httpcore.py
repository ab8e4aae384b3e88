"""httpcore and httpcore2, the transports of httpx and httpx2: a pool of connections; each request acquires one.

A request that waits for the pool waits here. The connection is held until the response is closed or the request fails.
"""

from __future__ import annotations

import sys
from types import FrameType, ModuleType

from tenure import _probe_api as probe
from tenure._core.object_access import ByIdentity, attribute, is_true, short_name
from tenure._core.paths import ASYNCIO_DIR, PACKAGE_DIR
from tenure._core.wrapping import Method, traceback_of
from tenure._identify import libraries, resources, task_origins, tracer, variables
from tenure._identify.resources import Description
from tenure._identify.sites import Place
from tenure._patching import class_patches
from tenure._patching.bodies import awaited
from tenure.adapters._kit import base_urls

_PACKAGES = "httpcore", "httpcore2", "httpx", "httpx2"
# Said where they fail.
_WAITING = "finding out which pool of httpcore is waited for"
_CLOSING = "finding out which connection of httpcore is given back"


class Routes:
    """The pools that a client uses for some of its requests only."""

    def __init__(self) -> None:
        self.patterns: ByIdentity[str] = ByIdentity()  # by pool: of the URLs, "all://orders.example"


class _Requests:
    """The requests that have a connection."""

    def __init__(self) -> None:
        self.records: dict[int, probe.Record] = {}  # by address of the pool's request, which lives while in its pool


def install(module: ModuleType) -> None:
    """Patch the wait for a connection, and the two ways to release it."""
    libraries.know(*_PACKAGES)
    pool, request, stream = module.AsyncConnectionPool, module.AsyncPoolRequest, module.PoolByteStream
    resources.register(pool, _pool)
    class_patches.replace(request, "wait_for_connection", _waiting(request.wait_for_connection))
    class_patches.replace(pool, "handle_async_request", _handling(pool.handle_async_request))
    class_patches.replace(stream, "aclose", _closing(stream.aclose))


def _pool(pool: object, _: str) -> Description:
    kind = f"{libraries.of_type(resources.described(type(pool)))}.AsyncConnectionPool"
    pattern = tracer.current.of(Routes).patterns.get(pool) or _base_url()
    return Description(kind, pool, pattern, _limit(pool), enter="connection", exit="close", capacity_of=_limit)


def _limit(pool: object) -> int | None:
    """The number of requests at once; None if there is no limit, or requests share a connection by HTTP/2."""
    most = attribute(pool, "_max_connections")
    if type(most) is not int or most >= sys.maxsize:
        return None
    if not is_true(attribute(pool, "_http2")):
        return most
    connections = [attribute(connection, "_connection") for connection in list(_connections(pool))]
    is_shared = not is_true(attribute(pool, "_http1")) or any(map(_is_http2, connections))
    return None if is_shared else most


def _connections(pool: object) -> list[object]:
    connections = attribute(pool, "_connections")
    return connections if type(connections) is list else []


def _is_http2(connection: object) -> bool:
    return short_name(type(connection)) == "AsyncHTTP2Connection"


def _base_url() -> str:
    """Name a pool that is used for the first time by the base URL of the client that uses it."""
    for frame in libraries.stack(sys._getframe(1)):  # noqa: SLF001  # no other way to the caller
        if frame.f_code.co_name == "_send_single_request" and libraries.of_frame(frame) in _PACKAGES:
            return base_urls.name_of(variables.local(frame).get("self"))
    return ""


def _waiting(original: Method) -> Method:
    return awaited.method(original, _WAITING, before=_begin, after=_given, failed=_not_given)


def _begin(request: object, _: tuple[object, ...], __: object) -> tuple[object, probe.Record] | None:
    if id(request) in tracer.current.of(_Requests).records:
        return None
    frame = sys._getframe(1).f_back  # noqa: SLF001  # it has the pool
    pool = frame.f_locals["self"] if frame is not None else None
    site = _site(frame)
    record = probe.enter(pool, site) if site else None
    return None if record is None else (request, record)


def _given(state: tuple[object, probe.Record], _: object) -> None:
    request, record = state
    probe.acquired(record)
    tracer.current.of(_Requests).records[id(request)] = record


def _not_given(state: tuple[object, probe.Record], error: BaseException) -> None:
    probe.failed(state[1], error)


def _handling(original: Method) -> Method:
    return awaited.method(original, _CLOSING, failed=_failed)


def _failed(_: object, error: BaseException) -> None:
    record = _record_of(error)
    if record is not None:
        probe.leaving(record, error)
        probe.released(record, False)


def _closing(original: Method) -> Method:
    return awaited.enter(original, _CLOSING, before=_leave, after=_closed, failed=probe.failed)


def _leave(stream: object) -> probe.Record | None:
    record = tracer.current.of(_Requests).records.pop(id(attribute(stream, "_pool_request")), None)
    if record is not None:
        probe.leaving(record, None)
    return record


def _closed(record: probe.Record, *_: object) -> None:
    probe.released(record, None)


def _record_of(error: BaseException) -> probe.Record | None:
    """Return the record of the request that this exception ended: the traceback's first frame is the pool's."""
    traceback = traceback_of(error)
    request = traceback.tb_frame.f_locals.get("pool_request") if traceback is not None else None
    return tracer.current.of(_Requests).records.pop(id(request), None)


def _site(frame: FrameType | None) -> str:
    """Find the program's line that sends the request; "" if another library sends it.

    In a task that runs only the request, as with ``gather(client.get(url))``, it is the line that made the task.
    """
    if frame is None:
        return ""
    in_library = None
    for caller, package in task_origins.callers(frame):
        place = Place(caller.f_code, caller.f_lasti)
        if package in _PACKAGES:
            in_library = place
        elif caller.f_code.co_filename.startswith((PACKAGE_DIR, ASYNCIO_DIR)):
            continue
        elif package:
            return ""
        elif libraries.is_installed(caller):
            in_library = place
        else:
            return place.site("connection")
    origin = task_origins.of_running() or in_library
    return "" if origin is None else origin.site("connection")
