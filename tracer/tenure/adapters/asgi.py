"""ASGI: each request and each websocket is a lifecycle, and so is the application's lifespan, whatever server calls.

A request begins when the application is called and ends when that returns. Its name is its method alone until a
framework finds its route. A lifespan begins when the application takes the message of its startup; one that refuses
lifespans has none. (ASGI 3.0, https://asgi.readthedocs.io/en/stable/specs/.)

A server's adapter and a framework's see the same call, with middlewares in between that may have copied its scope.
What tells that it is one call is a part of the scope that copies share.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol, cast

from tenure import buffer, patching, probe, renaming, resources
from tenure.adapters import places
from tenure.adapters.lifespans import Lifespan, LifespanFailed, Served
from tenure.adapters.lifespans import know as know_lifespans
from tenure.resources import Description

Scope = Mapping[str, object]
Channel = Callable[..., Awaitable[object]]

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_SHARED = "headers", "asgi"  # parts that a server makes for each call, and a copied scope still has

_running: dict[int, _Request | _Lifespan] = {}  # by address of the shared part, while the application is called


class Named(NamedTuple):
    """What stands for a request: its resource's kind and name, and what answers it."""

    kind: str
    name: str
    endpoint: object


class Framework(Protocol):
    """What an adapter knows of an application of its own kind."""

    def request(self, application: object, scope: Scope) -> Named: ...
    def lifespan(self, application: object) -> tuple[Served, str]: ...


class _Call(Protocol):
    """What is recorded of one call of an application."""

    channels: tuple[object, ...]

    def end(self, error: BaseException | None) -> None: ...


def handling(
    original: Callable[..., object], application: Callable[[object], object], framework: Framework | None = None
) -> patching.Method:
    """What calls ``original(owner, scope, receive, send, ...)`` as a lifecycle.

    ``application(owner)`` is what is called in the end. ``framework``: the owner is such an application, and names what
    a server's adapter began.
    """
    resources.register(Named, _describe)
    know_lifespans()

    @patching.like(original)
    async def handle(owner: object, scope: Scope, *channels: object, **named: object) -> object:
        call = _begin(application, owner, framework, scope, channels)
        try:
            value = await original(owner, scope, *call.channels, **named)  # type: ignore[misc]
        except BaseException as error:
            call.end(error)
            patching.without_frame(error, handle.__code__)
            raise
        call.end(None)
        return value

    return handle


def method(scope: Scope) -> str:
    """The method of a request, "WEBSOCKET" for a websocket, "*" for what HTTP does not know: a client made it up."""
    if scope["type"] == "websocket":
        return "WEBSOCKET"
    given = scope.get("method")
    return given if isinstance(given, str) and given in _METHODS else "*"


class _Passed:
    """A call of which nothing is recorded here."""

    def __init__(self, channels: tuple[object, ...]) -> None:
        self.channels = channels

    def end(self, error: BaseException | None) -> None:
        pass


class _Request:
    """A request, while its application is called."""

    def __init__(self, scope: Scope, channels: tuple[object, ...]) -> None:
        self.channels = channels
        self._scope, self._part = scope, _part(scope)  # kept, so that its address is not another's
        self._record: probe.Record | None = None
        self._is_named = False

    def begin(self, named: Named, *, is_named: bool) -> None:
        _running[id(self._part)] = self
        self._is_named = is_named
        self._record = probe.enter(named, places.of_callable(named.endpoint))
        if self._record is not None:
            probe.acquired(self._record)

    def rename(self, named: Named) -> None:
        self._is_named = True
        if self._record is not None:
            renaming.rename(self._record, named, places.of_callable(named.endpoint))

    def end(self, error: BaseException | None) -> None:
        _running.pop(id(self._part), None)
        if self._record is None:
            return
        try:
            if not self._is_named and (named := _routed(self._scope)) is not None:
                self.rename(named)
        except Exception as fault:  # noqa: BLE001  # never into the program
            buffer.fault("finding the route of a request", fault)
        probe.leaving(self._record, error)
        probe.released(self._record, False)


class _Lifespan:
    """A lifespan, told by the messages that pass between the application and its server."""

    def __init__(self, scope: Scope, served: Served, site: str, receive: Channel, send: Channel) -> None:
        self.lifespan = Lifespan()
        self._part, self._served, self._site = _part(scope), served, site
        self._receive, self._send = receive, send
        self.channels: tuple[object, ...] = self.receive, self.send
        _running[id(self._part)] = self

    def rename(self, served: Served, site: str) -> None:
        self._served, self._site = served, site

    def end(self, error: BaseException | None) -> None:
        _running.pop(id(self._part), None)
        self.lifespan.ended(error)

    async def receive(self) -> object:
        try:
            message = await self._receive()
        except BaseException as error:
            patching.without_frame(error, _RECEIVE)
            raise
        if _type(message) == "lifespan.startup":
            self.lifespan.begin(self._served, self._site)
        elif _type(message) == "lifespan.shutdown":
            self.lifespan.stopping()
        return message

    async def send(self, message: object) -> object:
        kind = _type(message)
        if kind == "lifespan.startup.complete":
            self.lifespan.started()
        elif kind == "lifespan.shutdown.complete":
            self.lifespan.ended(None)
        elif kind in {"lifespan.startup.failed", "lifespan.shutdown.failed"}:  # told while it is being handled, mostly
            self.lifespan.ended(sys.exception() or LifespanFailed(str(message["message"])[:1000]))  # type: ignore[index]
        try:
            return await self._send(message)
        except BaseException as error:
            patching.without_frame(error, _SEND)
            raise


_RECEIVE, _SEND = _Lifespan.receive.__code__, _Lifespan.send.__code__


def _begin(
    application_of: Callable[[object], object],
    owner: object,
    framework: Framework | None,
    scope: Scope,
    channels: tuple[object, ...],
) -> _Call:
    try:
        kind = scope.get("type")
        if kind not in {"http", "websocket", "lifespan"} or (framework is not None and "app" in scope):
            return _Passed(channels)
        application, running = application_of(owner), _running.get(id(_part(scope)))
        if kind == "lifespan":
            return _begin_lifespan(application, running, framework, scope, channels)
        named = (
            framework.request(application, scope) if framework else Named("asgi.Request", method(scope), application)
        )
        if isinstance(running, _Request):
            if framework is not None:
                running.rename(named)
            return _Passed(channels)
        request = _Request(scope, channels)
        request.begin(named, is_named=framework is not None)
    except Exception as error:  # noqa: BLE001  # never into the program
        buffer.fault("noting the begin of a request", error)
        return _Passed(channels)
    return request


def _begin_lifespan(
    application: object,
    running: object,
    framework: Framework | None,
    scope: Scope,
    channels: tuple[object, ...],
) -> _Call:
    if framework is not None:
        served, site = framework.lifespan(application)
    else:
        served, site = Served("asgi.Application", application), places.of_callable(application, "lifespan")
    if isinstance(running, _Lifespan):
        if framework is not None:
            running.rename(served, site)
        return _Passed(channels)
    if len(channels) < 2 or not all(map(callable, channels)):
        return _Passed(channels)
    receive, send = cast("tuple[Channel, Channel]", channels[:2])
    lifespan = _Lifespan(scope, served, site, receive, send)
    lifespan.channels = *lifespan.channels, *channels[2:]
    return lifespan


def _describe(request: object, _: str) -> Description:
    kind, name, _endpoint = cast("Named", request)
    return Description(kind, None, name, enter="request", exit="response")


def _part(scope: Scope) -> object:
    return next((scope[name] for name in _SHARED if scope.get(name) is not None), scope)


def _type(message: object) -> object:
    return message.get("type") if isinstance(message, Mapping) else None


def _routed(scope: Scope) -> Named | None:
    """By the route that a framework without an adapter left in the scope: a Router of Starlette's, Litestar."""
    route = scope.get("route")
    pattern = scope.get("path_template") or getattr(route, "path_format", None) or getattr(route, "path", None)
    if not isinstance(pattern, str):
        return None
    handler = scope.get("route_handler")  # Litestar's, of whose function ``fn`` is
    endpoint = scope.get("endpoint") or getattr(handler, "fn", handler)
    return Named("asgi.Request", f"{method(scope)} {pattern}", endpoint)
