"""aiohttp's connector: a pool with as many connections as its limit, of which each request acquires one.

A connection is held until the response was read, released or closed, whether the program entered the request or only
awaited it. A request that waits for the pool waits here.
"""

from __future__ import annotations

from types import ModuleType

from tenure._core.object_access import ByIdentity, attribute
from tenure._identify import resources, tracer
from tenure._identify.kinds import kind_name
from tenure._identify.resources import Description
from tenure.adapters._kit import acquire_release


def install(connector: ModuleType) -> None:
    """Patch BaseConnector, and the method that both ways to release a connection call."""
    resources.register(connector.BaseConnector, _connector)
    acquire_release.patch_calls(
        connector.BaseConnector,
        "connect",
        "_notify_release",
        release_of=connector.Connection,
        labels=("connect", "release"),
    )


class _Connectors:
    """The names of connectors that belong to one session."""

    def __init__(self) -> None:
        self.names: ByIdentity[str] = ByIdentity()


def name(connector: object, title: str) -> None:
    """Name the connector of a session, from its first request on."""
    names = tracer.current.of(_Connectors).names
    if connector is not None and connector not in names:
        names.put(connector, title)


def _connector(connector: object, _: str) -> Description:
    limit = attribute(connector, "_limit")
    title = tracer.current.of(_Connectors).names.get(connector) or ""
    return Description(
        kind_name(type(connector)), connector, name=title, capacity=limit if type(limit) is int and limit > 0 else None
    )
