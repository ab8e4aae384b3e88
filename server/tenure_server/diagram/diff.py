"""Compute the operations that turn the client's diagram into the current one.

``apply`` defines what a client does with them: it carries them out in order, each on the result of the one before.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

import msgspec

from tenure_server.diagram.steps import Append, Insert, Note, Operation, Remove, Step, Update


def difference(before: list[Step], after: list[Step]) -> list[Operation]:
    """The operations that turn ``before`` into ``after``: removals, then updates, then insertions from top to bottom.

    As few steps as possible are sent. Two steps with one id are the same step, and an id is at most once in a list. A
    note in which only the elapsed time has changed (``since_ns`` is set) is not updated.
    """
    start = 0
    for old, new in zip(before, after, strict=False):
        if old.id != new.id:
            break
        start += 1
    tail = 0
    for old, new in zip(reversed(before[start:]), reversed(after[start:]), strict=False):
        if old.id != new.id:
            break
        tail += 1
    old_by_id = {step.id: step for step in before[start : len(before) - tail]}
    middle = after[start : len(after) - tail]
    kept = _kept(old_by_id, middle)

    operations: list[Operation] = []
    if removed := [step_id for step_id in old_by_id if step_id not in kept]:
        operations.append(Remove(removed))
    pairs = [
        *zip(before[:start], after[:start], strict=True),
        *((old_by_id[step.id], step) for step in middle if step.id in kept),
        *zip(before[len(before) - tail :], after[len(after) - tail :], strict=True),
    ]
    operations += [Update(new) for old, new in pairs if _changed(old, new)]
    return operations + _insertions(middle, kept, after[len(after) - tail].id if tail else None)


def apply(steps: Iterable[Step], operations: Iterable[Operation]) -> list[Step]:
    """The steps after the operations.

    Raises:
        KeyError: an operation names a step that is not there.
    """
    by_id = {step.id: step for step in steps}
    for operation in operations:
        if isinstance(operation, Append):
            by_id.update((step.id, step) for step in operation.steps)
        elif isinstance(operation, Update):
            if operation.step.id not in by_id:
                raise KeyError(operation.step.id)
            by_id[operation.step.id] = operation.step
        elif isinstance(operation, Remove):
            for step_id in operation.ids:
                del by_id[step_id]
        else:
            ids = list(by_id)
            at = ids.index(operation.before) if operation.before in by_id else None
            if at is None:
                raise KeyError(operation.before)
            inserted = {step.id: step for step in operation.steps}
            by_id = {step_id: inserted.get(step_id) or by_id[step_id] for step_id in [*ids[:at], *inserted, *ids[at:]]}
    return list(by_id.values())


def _insertions(middle: list[Step], kept: set[str], end: str | None) -> list[Operation]:
    operations: list[Operation] = []
    new: list[Step] = []
    for step in middle:
        if step.id not in kept:
            new.append(step)
        elif new:
            operations.append(Insert(step.id, new))
            new = []
    if new:
        operations.append(Append(new) if end is None else Insert(end, new))
    return operations


def _kept(old: dict[str, Step], new: list[Step]) -> set[str]:
    """The largest set of steps that have the same order in both lists, so that they need not be moved."""
    place = {step_id: i for i, step_id in enumerate(old)}
    places = [place[step.id] for step in new if step.id in place]
    ids = list(old)
    return {ids[i] for i in _longest_increasing(places)}


def _longest_increasing(places: list[int]) -> list[int]:
    """A longest increasing subsequence, by patience sorting: O(n log n)."""
    tops: list[int] = []  # the smallest last value of an increasing subsequence of each length
    top_at: list[int] = []
    previous: list[int] = []
    for i, place in enumerate(places):
        length = bisect_left(tops, place)
        previous.append(top_at[length - 1] if length else -1)
        if length == len(tops):
            tops.append(place)
            top_at.append(i)
        else:
            tops[length] = place
            top_at[length] = i
    subsequence: list[int] = []
    at = top_at[-1] if top_at else -1
    while at >= 0:
        subsequence.append(places[at])
        at = previous[at]
    return subsequence


def _changed(old: Step, new: Step) -> bool:
    if isinstance(old, Note) and isinstance(new, Note) and old.since_ns is not None and new.since_ns is not None:
        return old != msgspec.structs.replace(new, text=old.text, at_ns=old.at_ns)
    return old != new
