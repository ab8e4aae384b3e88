"""The short form of an activation in Mermaid: ``p1->>+p2`` in place of ``activate p2`` after the reply."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from tenure_server.diagram.steps import Activate, Message, Step


def join_activations(steps: Sequence[Step]) -> list[Step]:
    """The steps with each activation that directly follows a request and its reply put on the request.

    Nothing is drawn between such a request and its reply, so the bar still stands beside no step of the wait.
    """
    joined: list[Step] = []
    for step in steps:
        if isinstance(step, Activate) and _is_at_once(joined, step):
            joined[-2] = replace(joined[-2], activate=True)
        else:
            joined.append(step)
    return joined


def _is_at_once(before: Sequence[Step], activation: Activate) -> bool:
    if len(before) < 2:
        return False
    request, reply = before[-2:]
    return (
        isinstance(request, Message)
        and isinstance(reply, Message)
        and request.target == reply.source == activation.participant
        and request.lifecycle == reply.lifecycle == activation.lifecycle
    )
