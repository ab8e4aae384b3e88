"""A lifecycle whose resource is known better once it runs: a server's request, until a framework finds its route."""

from __future__ import annotations

from typing import NamedTuple, cast

from tenure._core import buffer
from tenure._core.record_layout import ACQUIRE, TASK, Record
from tenure._identify import lookup


class Renamed(NamedTuple):
    """The entry in the buffer that tells of it: whose lifecycle, begun when, and what it is a use of after all."""

    task: int
    acquire_ns: int
    site: str
    resource: int


def rename(record: Record, manager: object, site: str) -> None:
    """Let an open lifecycle be a use of what this manager stands for, at this site. It never raises."""
    resource, _ = lookup.resource_of(site, manager)
    if resource:
        buffer.put(Renamed(cast("int", record[TASK]), cast("int", record[ACQUIRE]), site, resource))
