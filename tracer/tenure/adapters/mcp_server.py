"""mcp: each request that a server handles is a root lifecycle: a tool call by its tool, any other by its method.

A client sends the name of a tool, so the name is believed only once the server has run such a tool. A result that says
that it is an error is an error here too. Version 1 has its requests in the low-level server, version 2 in a runner.
"""

from __future__ import annotations

from types import ModuleType
from typing import cast

from tenure import _probe_api as probe
from tenure._assembly import request_rename
from tenure._core.object_access import attribute, exact, short_name
from tenure._core.wrapping import Method
from tenure._identify import libraries, tasks, tracer
from tenure._patching import class_patches
from tenure._patching.bodies import awaited
from tenure.adapters._kit import handler_sites, work_units
from tenure.adapters._kit.work_units import Unit

CALL = "tools/call"
_HANDLING, _RESPONDING = "recording a request of MCP", "reading the answer to a request of MCP"  # said where they fail
_LIBRARY = (  # modules that enter nothing of the program's
    "mcp.client.session",
    "mcp.client.client",
    "mcp.client._memory",
    "mcp.client._probe",
    "mcp.client.stdio",
    "mcp.client.sse",
    "mcp.client.streamable_http",
    "mcp.server.session",
    "mcp.server.stdio",
    "mcp.server.sse",
    "mcp.server.streamable_http",
    "mcp.server.streamable_http_manager",
    "mcp.shared.direct_dispatcher",
    "mcp.shared.jsonrpc_dispatcher",
    "mcp.shared.memory",
    "mcp.shared.session",
)


class RequestFailed(Exception):
    """The answer to a request says that it failed, and there was no exception."""


class _RequestTable:
    """The requests that are handled, by task; the tools that were run."""

    def __init__(self) -> None:
        self.running: dict[int, Request] = {}
        self.tools: dict[str, str] = {}  # site by name


class Request:
    """A request that is handled, in the task that handles it."""

    def __init__(self, record: probe.Record, tool: str, outer: Request | None) -> None:
        self.record = record
        self.tool = tool  # that the client asks for; "" where it asks for none, or its name is believed already
        self.outer = outer
        self.error: BaseException | None = None

    def name(self, tool: str, site: str) -> None:
        """The server runs this tool for it."""
        tracer.current.of(_RequestTable).tools[tool] = site
        if tool == self.tool:
            self.tool = ""
            request_rename.rename(self.record, _unit(tool), site)

    def end(self, error: BaseException | None) -> None:
        running, task = tracer.current.of(_RequestTable).running, tasks.current()
        running.pop(task, None)
        if self.outer is not None:
            running[task] = self.outer
        if self.tool and error is None and self.error is None:
            self.name(self.tool, cast("str", self.record[probe.SITE]))
        work_units.end(self.record, self.error if error is None else error)
        self.error = None


def current() -> Request | None:
    """The request that the running task handles."""
    return tracer.current.of(_RequestTable).running.get(tasks.current())


def install(server: ModuleType) -> None:
    """Patch the server of version 1, or the runner of version 2."""
    work_units.register()
    libraries.know(*_LIBRARY)
    if hasattr(server, "ServerRunner"):
        kind = server.ServerRunner
        class_patches.replace(kind, "_on_request", _handling(kind._on_request, _begin_by_parameters))  # noqa: SLF001
    elif hasattr(server.Server, "_handle_request"):
        kind, responder = server.Server, server.RequestResponder
        class_patches.replace(kind, "_handle_request", _handling(kind._handle_request, _begin_by_request))  # noqa: SLF001
        respond = awaited.method(responder.respond, _RESPONDING, before=_note_response)
        class_patches.replace(responder, "respond", respond)


def _handling(original: Method, begin: Method) -> Method:
    return awaited.method(original, _HANDLING, before=begin, after=_ended, failed=Request.end)


def _begin_by_request(server: object, arguments: tuple[object, ...], _: dict[str, object]) -> Request | None:
    request = arguments[1]  # a model of the client's message, whose class has the method
    method = exact(attribute(request, "method")) or short_name(type(request))
    return _begin(server, method, attribute(attribute(request, "params"), "name"))


def _begin_by_parameters(runner: object, arguments: tuple[object, ...], _: dict[str, object]) -> Request | None:
    _context, method, parameters = arguments
    server = attribute(runner, "server")
    handlers = attribute(server, "_request_handlers")
    is_known = method == "initialize" or (type(handlers) is dict and type(method) is str and method in handlers)
    tool = parameters.get("name") if type(parameters) is dict else None
    return _begin(server, exact(method) if is_known else "*", tool)


def _begin(server: object, method: str, tool: object) -> Request | None:
    requests = tracer.current.of(_RequestTable)
    tool_name = exact(tool) if method == CALL else ""
    site = requests.tools.get(tool_name) if tool_name else None
    unit = _unit(tool_name) if site is not None else Unit("mcp.Request", method, "request", "result")
    record = work_units.begin(unit, site or handler_sites.of_callable(type(server)), is_root=True)
    if record is None:
        return None
    task = tasks.current()
    request = requests.running[task] = Request(
        record, "" if site is not None else tool_name, requests.running.get(task)
    )
    return request


def _unit(tool: str) -> Unit:
    return Unit("mcp.Tool", tool, "request", "result")


def _ended(request: Request, result: object) -> None:
    if type(result) is dict and result.get("isError") is True and request.error is None:
        request.error = RequestFailed("the result of the tool is an error")
    request.end(None)


def _note_response(_: object, arguments: tuple[object, ...], named: dict[str, object]) -> None:
    """Version 1: what is answered, a result with its own class or an error."""
    request, response = current(), arguments[0] if arguments else named.get("response")
    if request is None or request.error is not None:
        return
    result = attribute(response, "root")
    if result is None:
        request.error = RequestFailed("the answer to the request is an error")
    elif attribute(result, "isError") is True:
        request.error = RequestFailed("the result of the tool is an error")
