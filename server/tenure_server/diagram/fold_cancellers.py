"""Who cancelled in a fold: one repetition is drawn for all, with what all of them have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from msgspec.structs import replace

from tenure_server.diagram.build_forest import descendants
from tenure_server.diagram.fold import Fold
from tenure_server.model.records import Canceller, ExceptionInfo, Lifecycle, Task

_T = TypeVar("_T")


class FoldCancellers:
    """The records that are drawn for folds, with the cancellers that are the same in all repetitions."""

    def __init__(self) -> None:
        self._lifecycles: dict[str, Lifecycle] = {}
        self._tasks: dict[str, Task] = {}

    def add(self, fold: Fold) -> None:
        """Note the repetitions of a fold. They have one shape, so they have the same nodes in the same order."""
        repetitions = [descendants(nodes) for nodes in fold.repetitions]
        for place in zip(*repetitions, strict=True):
            uses = [self.lifecycle(node.lifecycle) for node in place if node.lifecycle is not None]
            tasks = [self.task(node.task) for node in place if node.lifecycle is None and node.task is not None]
            if uses:
                body = _common(use.body_exception for use in uses)
                raised = _common(use.raised for use in uses)
                self._lifecycles[uses[0].id] = replace(uses[0], body_exception=body, raised=raised)
            if tasks:
                self._tasks[tasks[0].id] = replace(tasks[0], exception=_common(task.exception for task in tasks))

    def lifecycle(self, record: Lifecycle) -> Lifecycle:
        """The lifecycle as it is drawn."""
        return self._lifecycles.get(record.id, record)

    def task(self, record: Task) -> Task:
        """The task as it is drawn."""
        return self._tasks.get(record.id, record)


def _common(exceptions: Iterable[ExceptionInfo | None]) -> ExceptionInfo | None:
    """The first one; its canceller is what is known of all."""
    every = list(exceptions)
    first = every[0]
    if first is None or all(info is None or info.canceller is None for info in every):
        return first
    cancellers = [None if info is None else info.canceller for info in every]
    return replace(first, canceller=_common_canceller(cancellers))


def _common_canceller(cancellers: list[Canceller | None]) -> Canceller | None:
    known = [canceller for canceller in cancellers if canceller is not None]
    if len(known) < len(cancellers):
        return None
    task = _same([canceller.task for canceller in known])
    via = _same([canceller.via for canceller in known]) or ""
    site = _same([canceller.site for canceller in known])
    return Canceller(task, via, site) if task is not None or via or site is not None else None


def _same(values: list[_T]) -> _T | None:
    return values[0] if all(value == values[0] for value in values) else None
