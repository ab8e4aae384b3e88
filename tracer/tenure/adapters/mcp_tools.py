"""mcp: a tool that FastMCP (version 1) or MCPServer (version 2) runs names the call; its exception is its outcome."""

from __future__ import annotations

from types import ModuleType

from tenure._core.object_access import attribute, exact
from tenure._patching import class_patches
from tenure._patching.bodies import awaited
from tenure.adapters import mcp_server
from tenure.adapters._kit import handler_sites

_RUNNING = "recording a tool of MCP"  # said where it fails


def install(tools: ModuleType) -> None:
    """Patch Tool."""
    kind = tools.Tool
    class_patches.replace(kind, "run", awaited.method(kind.run, _RUNNING, before=_name, failed=_note_error))


def _name(tool: object, _: object, __: object) -> object:
    request = mcp_server.current()
    if request is not None:
        request.name(exact(attribute(tool, "name")), handler_sites.of_callable(attribute(tool, "fn")))
    return request


def _note_error(request: mcp_server.Request, error: BaseException) -> None:
    """The library turns it into a result: what the tool raised is its cause."""
    cause = error.__cause__
    request.error = error if cause is None else cause
