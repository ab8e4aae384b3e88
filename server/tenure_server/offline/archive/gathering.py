"""Chooses the diagrams of a page: all lifecycles, each process, trace, resource and task, up to a limit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Literal

import msgspec
from msgspec.structs import replace

from tenure_server.diagram import mermaid
from tenure_server.diagram.steps import Begin, Diagram
from tenure_server.errors import SubjectGone
from tenure_server.limits import MAX_PAGE_DIAGRAM, MAX_PAGE_STEPS, MAX_PAGE_SUBJECTS
from tenure_server.live.messages import Overview
from tenure_server.model.lens import Lens
from tenure_server.model.records import Lifecycle
from tenure_server.offline.archive.contents import Archive, ArchivedDiagram, View
from tenure_server.offline.sources import Source

_OTHER: dict[str, Literal["task", "coroutine"]] = {"task": "coroutine", "coroutine": "task"}


def gather(source: Source, trace: str | None) -> Archive:
    """Draw the diagrams of the page, for one trace or for all records.

    Raises:
        UsageError: the source does not have the trace, or cannot be read.
    """
    lifecycles = source.lifecycles(trace)
    whole = source.overview()
    if trace is not None:
        whole = _restrict(whole, lifecycles)
    overview = _bounded(whole)
    album = _Album(source, wanted=trace is not None)
    lenses = [Lens(trace=trace)] if trace is not None else list(_lenses(overview, lifecycles))
    left_out = sum(not album.add(lens) for lens in lenses) + len(whole.traces) - len(overview.traces)
    shown = album.shown
    shown_lifecycles = [lifecycle for lifecycle in lifecycles if lifecycle.id in shown]
    return Archive(overview, album.views, album.pictures, shown_lifecycles, left_out)


def _restrict(overview: Overview, lifecycles: list[Lifecycle]) -> Overview:
    """The overview with only the subjects of these lifecycles."""
    traces = {lifecycle.trace for lifecycle in lifecycles}
    resources = {lifecycle.resource.id for lifecycle in lifecycles}
    processes = {lifecycle.process for lifecycle in lifecycles}
    return Overview(
        overview.now_ns,
        [process for process in overview.processes if process.id in processes],
        [trace for trace in overview.traces if trace.id in traces],
        [resource for resource in overview.resources if resource.id in resources],
    )


def _bounded(overview: Overview) -> Overview:
    """Limit the subjects. Of the traces, those that failed or are open come first, then the newest."""
    ranked = sorted(overview.traces, key=lambda trace: not (trace.errors or trace.open))  # stable: newest first
    kept = {trace.id for trace in ranked[:MAX_PAGE_SUBJECTS]}
    return Overview(
        overview.now_ns,
        overview.processes[:MAX_PAGE_SUBJECTS],
        [trace for trace in overview.traces if trace.id in kept],
        overview.resources[:MAX_PAGE_SUBJECTS],
    )


def _lenses(overview: Overview, lifecycles: list[Lifecycle]) -> Iterator[Lens]:
    """The subjects in the order in which they get room on the page."""
    yield Lens(tasks="coroutine")
    for process in overview.processes:
        yield Lens(process=process.id, tasks="coroutine")
    for trace in overview.traces:
        yield Lens(trace=trace.id)
    for resource in overview.resources:
        yield Lens(resource=resource.id)
    tasks = dict.fromkeys(lifecycle.task.id for lifecycle in reversed(lifecycles))
    for task in islice(tasks, MAX_PAGE_SUBJECTS):
        yield Lens(task=task)


class _Album:
    """The diagrams so far. Equal ones are stored once: most subjects have nothing to fold or to group."""

    def __init__(self, source: Source, *, wanted: bool) -> None:
        """``wanted``: the user named the subjects, so a missing one is an error."""
        self._may_be_gone: tuple[type[Exception], ...] = () if wanted else (SubjectGone,)
        self.views: list[View] = []
        self.pictures: list[ArchivedDiagram] = []
        self.shown: set[str | None] = set()
        self._source = source
        self._known: dict[bytes, int] = {}
        self._room = MAX_PAGE_STEPS

    def add(self, lens: Lens) -> bool:
        """Draw the subject in all variants. False: the page has no room. A missing subject has no diagram."""
        if self._room <= 0:
            return False
        with suppress(*self._may_be_gone):
            self._draw_all(lens)
        return True

    def _draw_all(self, lens: Lens) -> None:
        for tasks in (lens.tasks, _OTHER[lens.tasks]):
            folded = replace(lens, tasks=tasks)
            if self._draw(folded):
                self._draw(replace(folded, fold=False))
            else:  # without folds it is the same diagram
                self.views.append(View(replace(folded, fold=False), self.views[-1].picture))

    def _draw(self, lens: Lens) -> bool:
        """Draw a diagram; answer whether it has folds."""
        diagram = self._source.diagram(lens, MAX_PAGE_DIAGRAM)
        digest = msgspec.json.encode(diagram)
        number = self._known.get(digest)
        if number is None:
            number = self._known[digest] = len(self.pictures)
            picture = ArchivedDiagram(diagram.steps, diagram.earlier, mermaid(diagram.steps), diagram.internal)
            self.pictures.append(picture)
            self._room -= len(diagram.steps)
            self.shown.update(_lifecycles_of(diagram))
        self.views.append(View(lens, number))
        return any(isinstance(step, Begin) and step.fold for step in diagram.steps)


def _lifecycles_of(diagram: Diagram) -> Iterator[str | None]:
    for step in diagram.steps:
        yield getattr(step, "lifecycle", None)
