"""websockets' asyncio server: ``serve()`` returns an object for one use, and each connection is a request.

A connection is held from its opening handshake until it is closed, and is named by its handler, because its path comes
from the client. Connections that the handshake refuses are not recorded. The title of its tasks is "connection".
"""

from __future__ import annotations

import sys
from types import FrameType, ModuleType
from typing import NamedTuple, cast

from tenure import _probe_api as probe
from tenure._core.object_access import attribute, exact
from tenure._core.wrapping import Method
from tenure._identify import libraries, resources, task_names, tracer
from tenure._identify.resources import Description
from tenure._identify.sites import Site
from tenure._patching import class_patches, pure_wrappers
from tenure._patching.bodies import awaited
from tenure.adapters._kit import databases, handler_sites

_BEGIN, _END = "noting the begin of a connection", "noting the end of a connection"  # said where they fail


class _Connections:
    """The connections that are being served."""

    def __init__(self) -> None:
        self.records: dict[int, probe.Record] = {}  # by address


class _Served(NamedTuple):
    """Stands for a served connection, with the name of its handler."""

    handler: str


def install(server: ModuleType) -> None:
    """Patch the class that the program enters: serve itself until version 16, then Server, which serve returns."""
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


def _entering(original: Method) -> Method:
    return awaited.enter(original, _BEGIN, before=_begin)


def _begin(connection: object) -> None:
    frame = sys._getframe(1).f_back  # noqa: SLF001  # there is no other way to the handler
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


def _leaving(original: Method) -> Method:
    return awaited.method(original, _END, before=_leave, after=probe.released, failed=probe.failed)


def _leave(connection: object, exc_info: tuple[object, ...], named: dict[str, object]) -> probe.Record | None:
    is_servers = _is_servers(sys._getframe(1).f_back)  # noqa: SLF001  # there is no other way to the handler
    record = tracer.current.of(_Connections).records.pop(id(connection), None) if is_servers else None
    if record is not None:
        probe.leaving(record, pure_wrappers.raised_in_body(exc_info, named))
    return record


def _is_servers(frame: FrameType | None) -> bool:
    return frame is not None and exact(frame.f_globals.get("__name__")).startswith("websockets.")
