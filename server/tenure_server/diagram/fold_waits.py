"""The waits in a fold: how many repetitions waited at each acquire, for how long and for which holder."""

from __future__ import annotations

from collections.abc import Mapping

from tenure_server.diagram import phrases
from tenure_server.diagram.build_forest import descendants
from tenure_server.diagram.fold import Fold
from tenure_server.diagram.wait_causes import Cause
from tenure_server.model.records import Lifecycle


def wait_texts(fold: Fold, causes: Mapping[str, Cause]) -> dict[str, str]:
    """The text of the waits, by the id of the lifecycle that is drawn for all repetitions.

    Repetitions have one shape, so lifecycles at the same position in each of them come from the same call.
    """
    repetitions = [[node.lifecycle for node in descendants(nodes)] for nodes in fold.repetitions]
    texts: dict[str, str] = {}
    for place in zip(*repetitions, strict=True):
        uses = [use for use in place if use is not None]
        waited = [use for use in uses if use.id in causes]
        if waited:
            texts[uses[0].id] = _text(waited, len(uses), causes)
    return texts


def _text(waited: list[Lifecycle], repetitions: int, causes: Mapping[str, Cause]) -> str:
    durations = [(use.acquired_ns or use.released_ns or use.acquire_ns) - use.acquire_ns for use in waited]
    holders = {_holders(causes[use.id]) for use in waited}
    return phrases.waits_in_fold(len(waited), repetitions, holders.pop() if len(holders) == 1 else None, durations)


def _holders(cause: Cause) -> str:
    return phrases.cause(phrases.holder(cause.first.task.name, cause.first.site), cause.more_holders)
