"""ASGI: each request and each websocket is a lifecycle, and so is the application's lifespan, whatever server calls.

A request begins when the application is called and ends when that returns. Its name is its method alone until a
framework finds its route. A lifespan begins when the application takes the message of its startup; one that refuses
lifespans has none. (ASGI 3.0, https://asgi.readthedocs.io/en/stable/specs/.)
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from types import MethodType
from typing import Protocol, cast

from tenure._identify import resources, tracer
from tenure._identify.kinds import kind_name
from tenure._patching import class_patches
from tenure._patching.bodies import awaited
from tenure.adapters._kit import asgi_requests as requests
from tenure.adapters._kit import handler_sites
from tenure.adapters._kit.asgi_requests import Named, Request, Scope
from tenure.adapters._kit.lifespans import Lifespan, LifespanFailed, Served
from tenure.adapters._kit.lifespans import know as know_lifespans

Channel = Callable[..., Awaitable[object]]

_TYPES = frozenset({"http", "websocket", "lifespan"})
_BEGIN = "noting the begin of a request"  # said where they fail
_RECEIVING, _SENDING = "reading a message to an application", "reading a message of an application"


class _Lifespans:
    """The lifespans that have begun and not ended."""

    def __init__(self) -> None:
        self.by_part: dict[int, _Lifespan] = {}  # by address of the part of the scope that copies share


class Framework(Protocol):
    """What an adapter knows of an application of its own kind."""

    def request(self, application: object, scope: Scope) -> Named: ...
    def lifespan(self, application: object) -> tuple[Served, str]: ...


class Kind:
    """A framework whose requests have this kind; a lifespan is placed at the application's class."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def request(self, application: object, scope: Scope) -> Named:
        return Named(self._kind, requests.method(scope), application)

    def lifespan(self, application: object) -> tuple[Served, str]:
        kind = type(application)
        return Served(kind_name(kind), application), handler_sites.of_callable(kind, "lifespan")


class _Call(Protocol):
    """What is recorded of one call of an application."""

    channels: tuple[object, ...]

    def end(self, error: BaseException | None) -> None: ...


def itself(application: object) -> object:
    """What is called is the application."""
    return application


def handling(
    original: Callable[..., object], application: Callable[[object], object], framework: Framework | None = None
) -> class_patches.Method:
    """What calls ``original(owner, scope, receive, send, ...)`` as a lifecycle.

    ``application(owner)`` is what is called in the end. ``framework``: the owner is such an application, and names what
    a server's adapter began.
    """
    resources.register(Named, requests.describe)
    know_lifespans()

    def begin(owner: object, scope: Scope, channels: tuple[object, ...]) -> _Call | None:
        return _begin(application, owner, framework, scope, channels)

    return awaited.application(original, _BEGIN, before=begin, after=_returned, failed=_raised)


def patch_application(application: type, kind: str) -> None:
    """Patch the ``__call__`` of a framework's class of applications; its requests are of this kind."""
    class_patches.replace(application, "__call__", handling(application.__call__, itself, Kind(kind)))


def _returned(call: _Call, _: object) -> None:
    call.end(None)


def _raised(call: _Call, error: BaseException) -> None:
    call.end(error)


class _Lifespan:
    """A lifespan, read from the messages between the application and its server."""

    def __init__(self, scope: Scope, served: Served, site: str, receive: Channel, send: Channel) -> None:
        self.lifespan = Lifespan()
        self._part, self._served, self._site = requests.shared_part(scope), served, site
        self.channels: tuple[object, ...] = (
            MethodType(awaited.callback(receive, _RECEIVING, after=self._received), self),
            MethodType(awaited.callback(send, _SENDING, before=self._sending), self),
        )
        tracer.current.of(_Lifespans).by_part[id(self._part)] = self

    def rename(self, served: Served, site: str) -> None:
        self._served, self._site = served, site

    def end(self, error: BaseException | None) -> None:
        tracer.current.of(_Lifespans).by_part.pop(id(self._part), None)
        self.lifespan.ended(error)

    def _received(self, _: object, message: object) -> None:
        if _type(message) == "lifespan.startup":
            self.lifespan.begin(self._served, self._site)
        elif _type(message) == "lifespan.shutdown":
            self.lifespan.stopping()

    def _sending(self, arguments: tuple[object, ...], named: dict[str, object]) -> None:
        message = arguments[0] if arguments else named.get("message")
        kind = _type(message)
        if kind == "lifespan.startup.complete":
            self.lifespan.started()
        elif kind == "lifespan.shutdown.complete":
            self.lifespan.ended(None)
        elif kind in {"lifespan.startup.failed", "lifespan.shutdown.failed"}:  # mostly sent while it is handled
            self.lifespan.ended(sys.exception() or LifespanFailed(str(message["message"])[:1000]))  # type: ignore[index]


def _begin(
    application_of: Callable[[object], object],
    owner: object,
    framework: Framework | None,
    scope: Scope,
    channels: tuple[object, ...],
) -> _Call | None:
    """Begin what is recorded of a call; None if nothing is, or another place records it."""
    kind = requests.get(scope, "type")
    if (
        type(kind) is not str
        or kind not in _TYPES
        or (framework is not None and requests.get(scope, "app") is not None)
    ):
        return None
    application = application_of(owner)
    if kind == "lifespan":
        return _begin_lifespan(application, framework, scope, channels)
    running = requests.running(scope)
    request = Request(scope, channels) if running is None else running
    name = partial(framework.request, application, scope) if framework is not None else None
    if name is not None:
        request.enter_framework(scope, name)
    if request is running:
        return None
    request.begin(Named(requests.KIND, requests.method(scope), application) if name is None else name())
    return request


def _begin_lifespan(
    application: object,
    framework: Framework | None,
    scope: Scope,
    channels: tuple[object, ...],
) -> _Call | None:
    if framework is not None:
        served, site = framework.lifespan(application)
    else:
        served, site = Served("asgi.Application", application), handler_sites.of_callable(application, "lifespan")
    running = tracer.current.of(_Lifespans).by_part.get(id(requests.shared_part(scope)))
    if running is not None:
        if framework is not None:
            running.rename(served, site)
        return None
    if len(channels) < 2 or not all(map(callable, channels)):
        return None
    receive, send = cast("tuple[Channel, Channel]", channels[:2])
    lifespan = _Lifespan(scope, served, site, receive, send)
    lifespan.channels = *lifespan.channels, *channels[2:]
    return lifespan


def _type(message: object) -> object:
    return requests.get(cast("Scope", message), "type") if issubclass(type(message), dict) else None
