"""A request of an ASGI application: how it is recognised, how it is named, and its record.

A server's adapter and a framework's see the same call, with middlewares in between that may have copied its scope.
A part of the scope that copies share shows that it is one call. The program's objects are read, never called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MethodType
from typing import NamedTuple, cast

from tenure import _probe_api as probe
from tenure import semconv
from tenure._assembly import request_rename, request_status
from tenure._core import faults
from tenure._core.object_access import attribute, library_attribute
from tenure._core.record_layout import TASK
from tenure._identify import request_tasks, resources, tasks, tracer
from tenure._identify.resources import Description
from tenure._patching.bodies import immediate
from tenure.adapters._kit import handler_sites

Scope = Mapping[str, object]
Send = Callable[..., object]

KIND = "asgi.Request"  # of what no framework names
_STARTS = "http.response.start", "websocket.http.response.start"  # messages with a status
_SENDING = "reading the status of a response"  # said where it fails
REFUSALS = {404: "404 Not Found", 405: "405 Method Not Allowed"}  # names of what no route answers, by status
_SHARED = "headers", "asgi"  # parts that a server makes for each call, and a copied scope still has


class _Requests:
    """The requests whose application is called."""

    def __init__(self) -> None:
        # By address of the shared part, and of each scope that was seen (a middleware may put other headers into it);
        # of a request without a scope, by address of the framework's own object.
        self.running: dict[int, Request] = {}
        self.by_task: dict[int, Request] = {}  # by id of the task that handles it


class Named(NamedTuple):
    """What stands for a request: its resource's kind and name, and what answers it."""

    kind: str
    name: str
    endpoint: object


def method(scope: Scope) -> str:
    """The method of a request, "WEBSOCKET" for a websocket, "*" for what HTTP does not know: a client made it up."""
    if get(scope, "type") == "websocket":
        return "WEBSOCKET"
    name = get(scope, "method")
    return name if type(name) is str and name in semconv.METHODS else "*"


def method_of(framework_request: object) -> str:
    """The same for a framework's own object, by its attribute ``method``."""
    return method({"method": attribute(framework_request, "method")})


def running(scope: Scope) -> Request | None:
    """The request that this scope is of, while its application is called."""
    requests = tracer.current.of(_Requests).running
    return requests.get(id(scope)) or requests.get(id(shared_part(scope)))


def current() -> Request | None:
    """The request that the running task handles; None unless its framework's adapter has called ``bind_to_task``."""
    return tracer.current.of(_Requests).by_task.get(tasks.current())


def find(scope: object, framework_request: object) -> Request | None:
    """The request with this scope; if there is none, the request of this object of a framework."""
    request = running(cast("Scope", scope)) if issubclass(type(scope), dict) else None
    return request or tracer.current.of(_Requests).running.get(id(framework_request))


def begin_without_scope(framework_request: object, named: Named) -> Request:
    """Begin a request that no ASGI server sent; ``framework_request`` is the framework's own object for it."""
    resources.register(Named, describe)
    scope: Scope = {}
    request = Request(scope, ())
    request.add_key(framework_request)
    request.enter_framework(scope, lambda: named)
    request.begin(named)
    return request


def describe(request: object, _: str) -> Description:
    """A request's resource."""
    kind, name, _endpoint = cast("Named", request)
    return Description(kind, None, name, enter="request", exit="response")


def get(scope: Scope, name: str) -> object:
    """A part of the scope, without asking a class of the program's that the scope may be of.

    Raises:
        TypeError: it is no dictionary, as which ASGI defines it.
    """
    return dict.get(cast("dict[str, object]", scope), name)


def root(scope: Scope) -> str:
    """The path that the application's routes are relative to, "" if there is none."""
    root = get(scope, "root_path")
    return root if type(root) is str else ""


def shared_part(scope: Scope) -> object:
    """The part of a scope that its copies share, else the scope: its address identifies the call."""
    for name in _SHARED:
        part = get(scope, name)
        if part is not None:
            return part
    return scope


class Request:
    """A request, while its application is called."""

    def __init__(self, scope: Scope, channels: tuple[object, ...]) -> None:
        self.channels = channels
        self._scope = scope
        self._keys: list[object] = []  # kept, so that their addresses are not others'
        self._record: probe.Record | None = None
        self._name: tuple[str, str] | None = None  # the newest kind and name that a route gave
        self._name_without_route: Callable[[], Named] | None = None  # what a framework calls it
        self._prefixes: dict[str, str] = {}  # by the path that the routes within are relative to: its pattern
        self._last_prefix = ""
        self._error: BaseException | None = None  # that the framework made an answer of
        self._tasks: dict[int, Request | None] = {}  # that handle it, and what they handled before

    def begin(self, named: Named) -> None:
        """Record it from now on, and note the status that the application sends."""
        self.add_key(self._scope)
        self.add_key(shared_part(self._scope))
        self._record = probe.enter(named, handler_sites.of_callable(named.endpoint))
        if self._record is not None:
            probe.acquired(self._record)
            request_tasks.begin(cast("int", self._record[TASK]), named.name)
            if len(self.channels) > 1 and callable(self.channels[1]):
                receive, send, *others = self.channels
                self.channels = receive, _noting_status(cast("Send", send), self._record), *others

    def enter_framework(self, scope: Scope, name_without_route: Callable[[], Named] | None) -> None:
        """A framework's application is called for it; ``name_without_route`` gives its name until a route does."""
        self._scope, self._name_without_route = scope, name_without_route
        self.add_key(scope)
        self._prefixes.setdefault(root(scope), "")

    def set_route(self, kind: str, name: str, endpoint: object) -> None:
        """Name it by the route that the framework found; ``endpoint`` is the function that answers it."""
        kind = kind if self._name_without_route is not None else KIND
        if self._name == (kind, name):
            return
        self._name = kind, name
        self._rename(Named(kind, name, endpoint))

    def mount(self, path: str, pattern: str) -> str:
        """Routes are now relative to this path; the pattern that stands before theirs."""
        if pattern:
            outer = path.rsplit("/", pattern.count("/"))[0]  # what was matched has as many parts as its pattern
            self._last_prefix = self._prefixes.get(outer, self._last_prefix) + pattern
            self._prefixes[path] = self._last_prefix
        return self.prefix(path)

    def prefix(self, path: str) -> str:
        """The pattern of what the routes that are relative to this path are mounted at."""
        return self._prefixes.get(path, self._last_prefix)

    def bind_to_task(self) -> None:
        """The running task handles it until it ends."""
        by_task, task = tracer.current.of(_Requests).by_task, tasks.current()
        if by_task.get(task) is not self:
            self._tasks[task] = by_task.get(task)
            by_task[task] = self

    def failed(self, error: BaseException) -> None:
        """No handler of the program caught this; the framework answers it. The first one counts."""
        if self._error is None:
            self._error = error

    def end(self, error: BaseException | None) -> None:
        """End it by this exception, else by the one that the framework answered, else without one."""
        requests = tracer.current.of(_Requests)
        for key in self._keys:
            requests.running.pop(id(key), None)
        for task, outer in self._tasks.items():
            if requests.by_task.get(task) is not self:
                continue
            if outer is None:
                del requests.by_task[task]
            else:
                requests.by_task[task] = outer
        error, self._error = (
            self._error if error is None else error,
            None,
        )  # not kept: it refers to frames that refer to this
        if self._record is None:
            return
        try:
            self._name_finally()
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault("finding the route of a request", fault)
        probe.leaving(self._record, error)
        probe.released(self._record, False)

    def add_key(self, key: object) -> None:
        """Find the request by this object too."""
        requests = tracer.current.of(_Requests).running
        if id(key) not in requests:
            requests[id(key)] = self
            self._keys.append(key)

    def _name_finally(self) -> None:
        if self._name is not None:
            return
        routed = _named_by_route(self._scope, self._last_prefix)
        default = None if self._name_without_route is None else self._name_without_route()
        if routed is not None:
            self._rename(routed if default is None else routed._replace(kind=default.kind))
        elif default is not None:
            self._rename(default)

    def _rename(self, named: Named) -> None:
        if self._record is not None:
            request_rename.rename(self._record, named, handler_sites.of_callable(named.endpoint))
            request_tasks.rename(cast("int", self._record[TASK]), named.name)


def finish(request: Request, _: object) -> None:
    """End a request whose call has returned: the hook ``after`` of ``tenure._patching.bodies``."""
    request.end(None)


def _noting_status(send: Send, record: probe.Record) -> Send:
    """Return what calls ``send``, and notes the status with which the application answers."""

    def sending(arguments: tuple[object, ...], named: dict[str, object]) -> None:
        message = arguments[0] if arguments else named.get("message")
        if issubclass(type(message), dict) and get(cast("Scope", message), "type") in _STARTS:
            request_status.note(record, get(cast("Scope", message), "status"))

    return MethodType(immediate.callback(send, _SENDING, before=sending), record)


def _named_by_route(scope: Scope, prefix: str) -> Named | None:
    """By the route that a framework left in the scope: Litestar; Starlette, for a route of the program's own class."""
    route = get(scope, "route")
    pattern = get(scope, "path_template") or attribute(route, "path_format") or attribute(route, "path")
    if type(pattern) is not str:
        return None
    handler = get(scope, "route_handler")  # Litestar's, of whose function ``fn`` is
    endpoint = get(scope, "endpoint") or library_attribute(handler, "fn", "litestar") or handler
    return Named(KIND, f"{method(scope)} {prefix}{pattern}", endpoint)
