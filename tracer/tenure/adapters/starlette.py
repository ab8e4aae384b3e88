"""Starlette and FastAPI: each request is a lifecycle named by its route, "GET /orders/{id}", and holds what it holds.

Its route is looked up here before the middlewares, on a copy of the scope. An application that is mounted in another is
part of that one's request. A websocket's lifecycle lasts as long as its connection.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from types import ModuleType
from typing import Protocol, cast

from tenure import libraries, patching
from tenure.adapters import asgi, places
from tenure.adapters.asgi import Named, Scope
from tenure.adapters.lifespans import Served
from tenure.failures import type_name

_KIND = "starlette.requests.Request"
_REFUSALS = {"PARTIAL": "405 Method Not Allowed", "NONE": "404 Not Found"}


class _Match(Protocol):
    name: str


class _Route(Protocol):
    def matches(self, scope: Scope) -> tuple[_Match, Scope]: ...


def install(applications: ModuleType) -> None:
    """Patch Starlette, of which FastAPI is a subclass."""
    kind = applications.Starlette
    libraries.know_framework("starlette", "fastapi")
    patching.replace(kind, "__call__", asgi.handling(kind.__call__, _itself, _Framework()))


class _Framework:
    def request(self, application: object, scope: Scope) -> Named:
        return _named(application.routes, dict(scope))  # type: ignore[attr-defined]

    def lifespan(self, application: object) -> tuple[Served, str]:
        """It is placed at the program's own lifespan function, where there is one."""
        context = getattr(getattr(application, "router", None), "lifespan_context", None)
        place = context if inspect.isfunction(context) else type(application)
        return Served(type_name(type(application)), application), places.of_callable(place, "lifespan")


def _itself(application: object) -> object:
    return application


def _named(routes: Iterable[_Route], scope: Scope) -> Named:
    """What a client made up, a path or a method, is in no name, so that there are no more names than routes."""
    outcome, pattern, endpoint = _found(routes, scope)
    if outcome != "FULL":
        return Named(_KIND, _REFUSALS[outcome], None)
    return Named(_KIND, f"{asgi.method(scope)} {pattern}", endpoint)


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
