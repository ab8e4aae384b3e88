"""aiohttp's client: ``session.get(...)`` returns a handle of the session; the enter call is ``get``.

A session is named by its base URL, and so is its own connector.
"""

from __future__ import annotations

from types import CoroutineType, ModuleType

from tenure import _probe_api as probe
from tenure._core.object_access import attribute, exact
from tenure._identify import libraries, resources, tracer
from tenure._identify.resources import Description
from tenure._identify.sites import owner_name
from tenure._patching import class_patches
from tenure._patching.bodies import Before, immediate
from tenure.adapters import aiohttp_connector
from tenure.adapters._kit import base_urls, constructed, held_tokens

_KIND = "aiohttp.client.ClientSession"
_CLOSING = "closing the sessions of a connector"  # said where it fails


def install(client: ModuleType) -> None:
    """Patch ClientSession and the handles of its requests."""
    libraries.know("aiohttp.client", "aiohttp.client_ws", "aiohttp.connector")
    constructed.patch(client.ClientSession, ("close", "detach"), _session, noting=_drop_own_frames)
    connector = client.BaseConnector
    close = immediate.method(connector.close, _CLOSING, before=_close_sessions(client.ClientSession))
    class_patches.replace(connector, "close", close)
    handle = client._BaseRequestContextManager  # noqa: SLF001  # there is no public name
    resources.register(handle, _request)
    class_patches.patch_manager(handle, any_task=True)


def _close_sessions(kind: type) -> Before:
    """A session is closed if its connector is, which several sessions may share."""

    def begin(connector: object, *_: object) -> None:
        for held in list(tracer.current.held_tokens.values()):
            session = held.reference() if held.reference is not None else None
            if issubclass(type(session), kind) and attribute(session, "_connector") is connector:
                record = held_tokens.give_back(session)
                if record is not None:
                    probe.released(record, None)

    return begin


def _drop_own_frames(session: object) -> None:
    """The connector that a session makes keeps the stack of its constructor too."""
    if attribute(session, "_source_traceback") is not None:
        constructed.drop_own_frames(session)
        constructed.drop_own_frames(attribute(session, "_connector"))


def _session(manager: object, _: str) -> Description:
    return Description(_KIND, manager, base_urls.name_of(manager) or None)


def _request(manager: object, expression: str) -> Description:
    coroutine = attribute(manager, "_coro")
    frame = coroutine.cr_frame if type(coroutine) is CoroutineType else None
    if frame is None:
        return Description(_KIND, None, name="")
    variables = frame.f_locals
    websocket = frame.f_code.co_name.endswith("ws_connect")
    call = "ws_connect" if websocket else (exact(variables.get("method")) or "request").lower()
    session = variables.get("self")
    name = base_urls.name_of(session)
    if name and attribute(session, "_connector_owner") is True:
        aiohttp_connector.name(attribute(session, "_connector"), name)
    return Description(_KIND, session, name or owner_name(expression), enter=call)
