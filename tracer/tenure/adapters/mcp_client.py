"""mcp: a client's session is held while it is entered; each call of a tool is a lifecycle at the program's line."""

from __future__ import annotations

from types import ModuleType

from tenure._core.object_access import attribute, exact
from tenure._identify import resources
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure._patching.bodies import awaited
from tenure.adapters._kit import handler_sites, work_units
from tenure.adapters._kit.work_units import Unit

_CALLING = "recording a call of a tool"  # said where it fails


class CallFailed(Exception):
    """The server answered a call with a result that says that it is an error."""


def install(session: ModuleType) -> None:
    """Patch ClientSession."""
    work_units.register()
    kind = session.ClientSession
    resources.register(kind, _session)
    class_patches.patch_manager(kind)
    call = awaited.method(kind.call_tool, _CALLING, before=_begin, after=_ended, failed=work_units.end)
    class_patches.replace(kind, "call_tool", call)


def _session(session: object, _: str) -> Description:
    return Description("mcp.ClientSession", session)


def _begin(_: object, arguments: tuple[object, ...], named: dict[str, object]) -> work_units.Record | None:
    tool = exact(arguments[0] if arguments else named.get("name"))
    return work_units.begin(Unit("mcp.ToolCall", tool, "call", "result"), handler_sites.of_call("mcp"))


def _ended(record: work_units.Record, result: object) -> None:
    is_error = attribute(result, "isError") is True or attribute(result, "is_error") is True
    work_units.end(record, CallFailed("the result of the tool is an error") if is_error else None)
