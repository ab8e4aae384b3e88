"""websockets' asyncio server: what ``serve()`` gives is made for one use, and each connection is a request.

A connection is served from its opening handshake on until it is closed, and is named by its handler: its path is the
client's. Those that the handshake refuses are not told of. Its tasks are called connections.
"""

from __future__ import annotations

import sys
from types import FrameType, ModuleType
from typing import NamedTuple, cast

from tenure import _probe_api as probe
from tenure._core import faults
from tenure._core.object_access import attribute, exact
from tenure._identify import libraries, resources, task_names, tracer
from tenure._identify.resources import Description
from tenure._identify.sites import Site
from tenure._patching import class_patches, pure_wrappers
from tenure.adapters._kit import databases, handler_sites


class _Connections:
    """The connections that are being served."""

    def __init__(self) -> None:
        self.records: dict[int, probe.Record] = {}  # by address


class _Served(NamedTuple):
    """What stands for a connection that is served: the name of its handler."""

    handler: str


def install(server: ModuleType) -> None:
    """Patch the class that is entered: serve itself until version 16, then Server, which serve returns."""
    libraries.know("websockets")
    kind = server.serve if isinstance(server.serve, type) else server.Server
    resources.register(kind, databases.one_use("websockets.serve", "participant"))
    class_patches.patch_manager(kind, any_task=True)
    for coroutine in ("Server.conn_handler", "serve.<locals>.conn_handler", "serve.<locals>.protocol_handler"):
        task_names.entitle(coroutine, "connection")
    connection = server.ServerConnection
    resources.register(_Served, _describe)
    class_patches.replace(connection, "__aenter__", _entering(connection.__aenter__))
    class_patches.replace(connection, "__aexit__", _leaving(connection.__aexit__))


def _describe(served: object, _: str) -> Description:
    name = cast("_Served", served).handler
    return Description("websockets.ServerConnection", None, name, enter="request", exit="close")


def _entering(original: class_patches.Method) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    async def entering(connection: object) -> object:
        _begin(connection, sys._getframe().f_back)  # noqa: SLF001  # there is no other way to the handler
        return await original(connection)  # type: ignore[misc]

    return entering


def _leaving(original: class_patches.Method) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    async def leaving(connection: object, *details: object, **named: object) -> object:
        is_servers = _is_servers(sys._getframe().f_back)  # noqa: SLF001  # there is no other way to the handler
        record = tracer.current.of(_Connections).records.pop(id(connection), None) if is_servers else None
        if record is not None:
            probe.leaving(record, pure_wrappers.raised_in_body(details, named))
        try:
            value = await original(connection, *details, **named)  # type: ignore[misc]
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            class_patches.strip_frame(error, leaving.__code__)
            del connection, details, named
            raise
        if record is not None:
            probe.released(record, value)
        return value

    return leaving


def _begin(connection: object, frame: FrameType | None) -> None:
    try:
        if frame is None or not _is_servers(frame):
            return  # a handler that enters its own connection
        handler = attribute(connection, "handler")
        if handler is None:
            handler = frame.f_locals.get("handler")
        site = handler_sites.of_callable(handler)
        record = probe.enter(_Served(Site.of(site).function), site)
        if record is not None:
            probe.acquired(record)
            tracer.current.of(_Connections).records[id(connection)] = record
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("noting the begin of a connection", error)


def _is_servers(frame: FrameType | None) -> bool:
    return frame is not None and exact(frame.f_globals.get("__name__")).startswith("websockets.")
