"""httpcore, with which httpx speaks: a pool of connections, one of which each request takes and gives back.

What waits for the pool waits here. The connection is held until the response is closed, or until the request failed.
"""

from __future__ import annotations

import sys
from types import FrameType, ModuleType

from tenure import _probe_api as probe
from tenure._core import faults
from tenure._core.object_access import attribute, is_true
from tenure._core.paths import ASYNCIO_DIR, PACKAGE_DIR
from tenure._core.wrapping import traceback_of
from tenure._identify import libraries, resources, sites, tracer
from tenure._identify.resources import Description
from tenure._patching import class_patches


class _Requests:
    """The requests that have a connection."""

    def __init__(self) -> None:
        self.records: dict[int, probe.Record] = {}  # by address of the pool's request, which lives while in its pool


def install(module: ModuleType) -> None:
    """Patch the wait for a connection, and the two ways in which it is given back."""
    libraries.know("httpcore", "httpx")
    pool, request, stream = module.AsyncConnectionPool, module.AsyncPoolRequest, module.PoolByteStream
    resources.register(pool, _pool)
    class_patches.replace(request, "wait_for_connection", _waiting(request.wait_for_connection))
    class_patches.replace(pool, "handle_async_request", _handling(pool.handle_async_request))
    class_patches.replace(stream, "aclose", _closing(stream.aclose))


def _pool(pool: object, _: str) -> Description:
    most = attribute(pool, "_max_connections")
    is_shared = is_true(attribute(pool, "_http2"))  # then several requests are on one connection
    capacity = most if type(most) is int and most < sys.maxsize and not is_shared else None
    return Description("httpcore.AsyncConnectionPool", pool, "", capacity, enter="connection", exit="close")


def _waiting(original: class_patches.Method) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    async def wait_for_connection(request: object, *arguments: object, **named: object) -> object:
        records = tracer.current.of(_Requests).records
        record = None if id(request) in records else _begin(sys._getframe().f_back)  # noqa: SLF001  # it has the pool
        try:
            value = await original(request, *arguments, **named)  # type: ignore[misc]
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            class_patches.strip_frame(error, wait_for_connection.__code__)
            raise
        if record is not None:
            probe.acquired(record)
            records[id(request)] = record
        return value

    return wait_for_connection


def _handling(original: class_patches.Method) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    async def handle_async_request(pool: object, request: object) -> object:
        try:
            return await original(pool, request)  # type: ignore[misc]
        except BaseException as error:
            class_patches.strip_frame(error, handle_async_request.__code__)
            record = _record_of(error)
            if record is not None:
                probe.leaving(record, error)
                probe.released(record, False)
            raise

    return handle_async_request


def _closing(original: class_patches.Method) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    async def aclose(stream: object) -> object:
        record = tracer.current.of(_Requests).records.pop(id(attribute(stream, "_pool_request")), None)
        if record is not None:
            probe.leaving(record, None)
        try:
            value = await original(stream)  # type: ignore[misc]
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            class_patches.strip_frame(error, aclose.__code__)
            raise
        if record is not None:
            probe.released(record, None)
        return value

    return aclose


def _begin(frame: FrameType | None) -> probe.Record | None:
    try:
        pool = frame.f_locals["self"] if frame is not None else None
        site = _site(frame)
        return probe.enter(pool, site) if site else None
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("finding out which pool of httpcore is waited for", error)
        return None


def _record_of(error: BaseException) -> probe.Record | None:
    """The record of the request that this exception ended: the pool's frame is the traceback's first."""
    traceback = traceback_of(error)
    request = traceback.tb_frame.f_locals.get("pool_request") if traceback is not None else None
    return tracer.current.of(_Requests).records.pop(id(request), None)


def _site(frame: FrameType | None) -> str:
    """The line of the program that sends the request; "" where that is another library's affair.

    Where a task does nothing else, as under ``gather(client.get(url))``, it is httpx's own line.
    """
    own = ""
    for caller in libraries.stack(frame):
        file, package = caller.f_code.co_filename, libraries.of_frame(caller)
        if package in {"httpcore", "httpx"}:
            own = sites.of_instruction(caller.f_code, caller.f_lasti, "connection")
        elif file.startswith(ASYNCIO_DIR):
            return own
        elif not file.startswith(PACKAGE_DIR):
            return "" if package else sites.of_instruction(caller.f_code, caller.f_lasti, "connection")
    return own
