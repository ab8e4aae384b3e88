"""ASGI: each request and each websocket is a lifecycle, and so is the application's lifespan, whatever server calls.

A request begins when the application is called and ends when that returns. Its name is its method alone until a
framework finds its route. A lifespan begins when the application takes the message of its startup; one that refuses
lifespans has none. (ASGI 3.0, https://asgi.readthedocs.io/en/stable/specs/.)
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, cast

from tenure._core import faults
from tenure._identify import resources, tracer
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters._kit import asgi_requests as requests
from tenure.adapters._kit import handler_sites
from tenure.adapters._kit.asgi_requests import Named, Request, Scope
from tenure.adapters._kit.lifespans import Lifespan, LifespanFailed, Served
from tenure.adapters._kit.lifespans import know as know_lifespans

Channel = Callable[..., Awaitable[object]]

_TYPES = frozenset({"http", "websocket", "lifespan"})


class _Lifespans:
    """The lifespans that have begun and not ended."""

    def __init__(self) -> None:
        self.by_part: dict[int, _Lifespan] = {}  # by address of the part of the scope that copies share


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
) -> class_patches.Method:
    """What calls ``original(owner, scope, receive, send, ...)`` as a lifecycle.

    ``application(owner)`` is what is called in the end. ``framework``: the owner is such an application, and names what
    a server's adapter began.
    """
    resources.register(Named, _describe)
    know_lifespans()

    @class_patches.mark_as_wrapper(original)
    async def handle(owner: object, scope: Scope, *channels: object, **named: object) -> object:
        call = _begin(application, owner, framework, scope, channels)
        try:
            value = await original(owner, scope, *call.channels, **named)  # type: ignore[misc]
        except BaseException as error:
            call.end(error)
            class_patches.strip_frame(error, handle.__code__)
            raise
        call.end(None)
        return value

    return handle


class _Passed:
    """A call of which nothing is recorded here."""

    def __init__(self, channels: tuple[object, ...]) -> None:
        self.channels = channels

    def end(self, error: BaseException | None) -> None:
        pass


class _Lifespan:
    """A lifespan, told by the messages that pass between the application and its server."""

    def __init__(self, scope: Scope, served: Served, site: str, receive: Channel, send: Channel) -> None:
        self.lifespan = Lifespan()
        self._part, self._served, self._site = requests.part(scope), served, site
        self._receive, self._send = receive, send
        self.channels: tuple[object, ...] = self.receive, self.send
        tracer.current.of(_Lifespans).by_part[id(self._part)] = self

    def rename(self, served: Served, site: str) -> None:
        self._served, self._site = served, site

    def end(self, error: BaseException | None) -> None:
        tracer.current.of(_Lifespans).by_part.pop(id(self._part), None)
        self.lifespan.ended(error)

    async def receive(self) -> object:
        try:
            message = await self._receive()
        except BaseException as error:
            class_patches.strip_frame(error, _RECEIVE)
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
            class_patches.strip_frame(error, _SEND)
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
        kind = requests.get(scope, "type")
        if (
            type(kind) is not str
            or kind not in _TYPES
            or (framework is not None and requests.get(scope, "app") is not None)
        ):
            return _Passed(channels)
        application = application_of(owner)
        if kind == "lifespan":
            return _begin_lifespan(application, framework, scope, channels)
        before = requests.running(scope)
        request = Request(scope, channels) if before is None else before
        known = partial(framework.request, application, scope) if framework is not None else None
        if known is not None:
            request.seen(scope, known)
        if request is before:
            return _Passed(channels)
        request.begin(Named(requests.KIND, requests.method(scope), application) if known is None else known())
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("noting the begin of a request", error)
        return _Passed(channels)
    return request


def _begin_lifespan(
    application: object,
    framework: Framework | None,
    scope: Scope,
    channels: tuple[object, ...],
) -> _Call:
    if framework is not None:
        served, site = framework.lifespan(application)
    else:
        served, site = Served("asgi.Application", application), handler_sites.of_callable(application, "lifespan")
    before = tracer.current.of(_Lifespans).by_part.get(id(requests.part(scope)))
    if before is not None:
        if framework is not None:
            before.rename(served, site)
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


def _type(message: object) -> object:
    return requests.get(cast("Scope", message), "type") if issubclass(type(message), dict) else None
