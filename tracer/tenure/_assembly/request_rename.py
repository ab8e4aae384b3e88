"""Renames a lifecycle while it runs: a server's request, once a framework finds its route."""

from __future__ import annotations

from typing import NamedTuple, cast

from tenure._core import buffer
from tenure._core.record_layout import ACQUIRE, TASK, Record
from tenure._identify import lookup


class Renamed(NamedTuple):
    """The buffer's entry: the lifecycle, by task and acquire, and its new site and resource."""

    task: int
    acquire_ns: int
    site: str
    resource: int


def rename(record: Record, manager: object, site: str) -> None:
    """Let an open lifecycle be a use of this manager's resource, at this site. It never raises."""
    resource, _ = lookup.resource_of(site, manager)
    if resource:
        buffer.put(Renamed(cast("int", record[TASK]), cast("int", record[ACQUIRE]), site, resource))
