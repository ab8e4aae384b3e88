"""The links of a span: to the holder that its lifecycle waited for, and to the lifecycle held around its trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tenure.semconv import HELD_AROUND, MIN_LINKED_WAIT_NS, WAITED_FOR
from tenure_server.diagram.wait_causes import find_causes
from tenure_server.model.records import Lifecycle
from tenure_server.store import ClosedLifecycles


class Link(NamedTuple):
    trace: str
    lifecycle: str
    reason: str  # WAITED_FOR or HELD_AROUND


def links_of(closed: ClosedLifecycles) -> Mapping[str, list[Link]]:
    """By lifecycle; only those that have links."""
    links: dict[str, list[Link]] = {}
    lifecycles = [item.lifecycle for item in closed.items]
    for lifecycle in lifecycles:
        held_around = lifecycle.held_around
        if held_around is not None:
            links[lifecycle.id] = [Link(held_around.trace, held_around.lifecycle, HELD_AROUND)]
    waiters = {lifecycle.id for lifecycle in lifecycles if _waited(lifecycle)}
    if waiters:
        contended = {lifecycle.resource.id for lifecycle in lifecycles if lifecycle.id in waiters}
        uses = [lifecycle for lifecycle in lifecycles if lifecycle.resource.id in contended]
        for waiter, cause in find_causes(uses, closed.context).at_acquire.items():
            if waiter in waiters and cause.acquiring == 0:
                links.setdefault(waiter, []).append(Link(cause.first.trace, cause.first.id, WAITED_FOR))
    return links


def _waited(lifecycle: Lifecycle) -> bool:
    """Whether it waited long enough for a link."""
    wait_end_ns = lifecycle.released_ns if lifecycle.acquired_ns is None else lifecycle.acquired_ns
    return lifecycle.resource.capacity is not None and (
        wait_end_ns is None or wait_end_ns - lifecycle.acquire_ns >= MIN_LINKED_WAIT_NS
    )
