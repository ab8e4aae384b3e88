"""Starlette and FastAPI: each request is a lifecycle named by its route, "GET /orders/{id}", and holds what it holds.

It begins before the middlewares and ends when the application has answered, so its route is looked up here first, on a
copy of the scope. An application that is mounted in another is part of that one's request. A websocket's lifecycle
lasts as long as its connection. A lifespan is the program's own generator, which its adapter records.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import NamedTuple, Protocol, cast

from tenure import buffer, libraries, patching, probe, resources, tasks
from tenure.resources import Description
from tenure.sites import Site

Scope = dict[str, object]
_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_REFUSALS = {"PARTIAL": "405 Method Not Allowed", "NONE": "404 Not Found"}


class _Request(NamedTuple):
    name: str
    endpoint: object


class _Match(Protocol):
    name: str


class _Route(Protocol):
    def matches(self, scope: Scope) -> tuple[_Match, Scope]: ...


def install(applications: ModuleType) -> None:
    """Patch Starlette, of which FastAPI is a subclass."""
    kind = applications.Starlette
    libraries.know_framework("starlette", "fastapi")
    resources.register(_Request, _describe)
    for coroutine in (
        "RequestResponseCycle.run_asgi",
        "WebSocketProtocol.run_asgi",
        "WebSocketsSansIOProtocol.run_asgi",
    ):
        tasks.entitle(coroutine, "request")
    patching.replace(kind, "__call__", _handling(kind.__call__))


def _describe(request: object, _: str) -> Description:
    name = cast("_Request", request).name
    return Description("starlette.requests.Request", None, name, enter="request", exit="response")


def _handling(original: patching.Method) -> patching.Method:
    @patching.like(original)
    async def handle(application: object, scope: Scope, *channels: object, **named: object) -> None:
        record = _begin(application, scope)
        try:
            await original(application, scope, *channels, **named)  # type: ignore[misc]
        except BaseException as error:
            if record is not None:
                probe.leaving(record, error)
                probe.released(record, False)
            patching.without_frame(error, handle.__code__)
            raise
        if record is not None:
            probe.leaving(record, None)
            probe.released(record, False)

    return handle


def _begin(application: object, scope: Scope) -> probe.Record | None:
    try:
        if "app" in scope or scope.get("type") not in {"http", "websocket"}:
            return None
        request = _named(application.routes, dict(scope))  # type: ignore[attr-defined]
        record = probe.enter(request, _site(request.endpoint))
        if record is not None:
            probe.acquired(record)
    except Exception as error:  # noqa: BLE001  # never into the program
        buffer.fault("noting the begin of a request", error)
        return None
    return record


def _named(routes: Iterable[_Route], scope: Scope) -> _Request:
    """What a client made up, a path or a method, is in no name, so that there are no more names than routes."""
    outcome, pattern, endpoint = _found(routes, scope)
    if outcome != "FULL":
        return _Request(_REFUSALS[outcome], None)
    method = str(scope.get("method", "")) if scope["type"] == "http" else "WEBSOCKET"
    return _Request(f"{method if method in {*_METHODS, 'WEBSOCKET'} else '*'} {pattern}", endpoint)


def _found(routes: Iterable[_Route], scope: Scope) -> tuple[str, str, object]:
    """How well a route matches, its pattern with those that it is mounted at, and its endpoint."""
    best: tuple[str, str, object] = "NONE", "", None
    for route in routes:
        match, child = route.matches(scope)
        if match.name == "NONE":
            continue
        found = match.name, *_target(route)
        within = _within(route)
        if within is not None:
            outcome, pattern, endpoint = _found(within, {**scope, **child})
            prefix = "" if hasattr(route, "effective_candidates") else getattr(_plain(route), "path", "")
            found = outcome, f"{prefix}{pattern}", endpoint
        if found[0] == "FULL" or within is not None:
            return found
        best = best if best[0] == "PARTIAL" else found
    return best


def _plain(route: object) -> object:
    return getattr(route, "starlette_route", None) or route  # what FastAPI puts around a route of an included router


def _within(route: object) -> Iterable[_Route] | None:
    """The routes of a mount, or of a router that FastAPI included; None where the route is an endpoint's."""
    candidates = getattr(route, "effective_candidates", None)
    if callable(candidates):
        return cast("Iterable[_Route]", candidates())
    return getattr(_plain(route), "routes", None) or None


def _target(route: object) -> tuple[str, object]:
    plain = _plain(route)
    pattern = getattr(plain, "path_format", None) or getattr(plain, "path", "")
    return str(pattern), getattr(plain, "endpoint", None)


def _site(endpoint: object) -> str:
    """Where the endpoint is written."""
    while (inner := getattr(endpoint, "__wrapped__", None) or getattr(endpoint, "func", None)) is not None:
        endpoint = inner
    endpoint = getattr(endpoint, "__func__", endpoint)
    code = getattr(endpoint, "__code__", None)
    if code is None:
        return Site("", 0, getattr(endpoint, "__qualname__", ""), "").key()
    return Site(code.co_filename, code.co_firstlineno, code.co_qualname, "").key()
