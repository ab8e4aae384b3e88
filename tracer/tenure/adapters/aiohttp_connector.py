"""aiohttp's connector: a pool with as many connections as its limit, of which each request acquires one.

A connection is held until the response was read, released or closed, whether the program entered the request or only
awaited it. A request that waits for the pool waits here.
"""

from __future__ import annotations

from types import ModuleType

from tenure._core.object_access import attribute
from tenure._identify import resources
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
        alone_in_task=True,
        labels=("connect", "release"),
    )


def _connector(connector: object, _: str) -> Description:
    limit = attribute(connector, "_limit")
    return Description(
        kind_name(type(connector)), connector, name="", capacity=limit if type(limit) is int and limit > 0 else None
    )
