"""Whom a lifecycle's span links to: who held the resource that it waited for, and what was held around its trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tenure_server.diagram.wait_causes import causes
from tenure_server.export.span_mapping import HELD_AROUND, WAITED_FOR
from tenure_server.model.records import Lifecycle
from tenure_server.store import ClosedLifecycles

WORTH_LINKING_NS = 100_000  # a shorter wait is none that somebody looks into


class Link(NamedTuple):
    trace: str
    lifecycle: str
    why: str


def links_of(endings: ClosedLifecycles) -> Mapping[str, list[Link]]:
    """By lifecycle; only those that have links."""
    found: dict[str, list[Link]] = {}
    for ending in endings.items:
        around = ending.lifecycle.held_around
        if around is not None:
            found[ending.lifecycle.id] = [Link(around.trace, around.lifecycle, HELD_AROUND)]
    waited = {ending.lifecycle.id for ending in endings.items if _waited(ending.lifecycle)}
    if waited:
        contended = {ending.lifecycle.resource.id for ending in endings.items if ending.lifecycle.id in waited}
        uses = [ending.lifecycle for ending in endings.items if ending.lifecycle.resource.id in contended]
        for waiter, cause in causes(uses, endings.context).at_acquire.items():
            if waiter in waited:
                found.setdefault(waiter, []).append(Link(cause.first.trace, cause.first.id, WAITED_FOR))
    return found


def _waited(lifecycle: Lifecycle) -> bool:
    end_ns = lifecycle.released_ns if lifecycle.acquired_ns is None else lifecycle.acquired_ns
    return lifecycle.resource.capacity is not None and (
        end_ns is None or end_ns - lifecycle.acquire_ns >= WORTH_LINKING_NS
    )
