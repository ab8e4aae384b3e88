"""Chooses the diagrams of a page: all lifecycles, each process, trace, resource and task, up to a limit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Literal

import msgspec
from msgspec.structs import replace

from tenure_server.diagram import mermaid_text
from tenure_server.diagram.steps import Begin, Diagram
from tenure_server.errors import SubjectGone
from tenure_server.limits import MAX_DIAGRAM, MAX_PAGE_DIAGRAM, MAX_PAGE_STEPS, MAX_PAGE_SUBJECTS, MAX_PAGE_WHOLE_STEPS
from tenure_server.live.messages import Overview
from tenure_server.model.lens import Lens
from tenure_server.model.records import Lifecycle
from tenure_server.offline.archive.contents import Archive, ArchivedDiagram, View
from tenure_server.offline.progress import Progress
from tenure_server.offline.sources import Source

_OTHER: dict[str, Literal["task", "coroutine"]] = {"task": "coroutine", "coroutine": "task"}


def gather(source: Source, trace: str | None, remedy: str = "", progress: Progress | None = None) -> Archive:
    """Draw the diagrams of the page, for one trace or for all records. ``remedy``: see ``Archive``.

    Raises:
        UsageError: the source does not have the trace, or cannot be read.
    """
    lifecycles = source.lifecycles(trace)
    whole = source.overview()
    if trace is not None:
        whole = _restrict(whole, lifecycles)
    overview = _bounded(whole)
    album = _Album(source, remedy, wanted=trace is not None)
    album.add_whole(Lens(tasks="coroutine") if trace is None else Lens(trace=trace))
    left_out = len(whole.traces) - len(overview.traces)
    if trace is None:
        lenses = list(_lenses(overview, lifecycles))
        if len(overview.processes) == 1:
            album.alias(Lens(process=overview.processes[0].id))
        for done, lens in enumerate(lenses, 1):
            left_out += not album.add(lens)
            if progress is not None:
                progress(done, len(lenses))
    shown = album.shown
    shown_lifecycles = [lifecycle for lifecycle in lifecycles if lifecycle.id in shown]
    lifecycles_left_out = len(lifecycles) - len(shown_lifecycles)
    return Archive(overview, album.views, album.pictures, shown_lifecycles, left_out, lifecycles_left_out, remedy)


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
    for process in overview.processes if len(overview.processes) > 1 else ():
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

    def __init__(self, source: Source, remedy: str, *, wanted: bool) -> None:
        """``wanted``: the user named the subjects, so a missing one is an error."""
        self._may_be_gone: tuple[type[Exception], ...] = () if wanted else (SubjectGone,)
        self.views: list[View] = []
        self.pictures: list[ArchivedDiagram] = []
        self.shown: set[str | None] = set()
        self._source = source
        self._remedy = [remedy] if remedy else []
        self._known: dict[bytes, int] = {}
        self._room = MAX_PAGE_WHOLE_STEPS
        self._limit = MAX_DIAGRAM

    def add_whole(self, lens: Lens) -> None:
        """Draw the subject of the page: folded, unfolded, and where there is room with tasks grouped the other way."""
        with suppress(*self._may_be_gone):
            self._draw_both(lens)
            if self._room > 0:
                self._draw_both(replace(lens, tasks=_OTHER[lens.tasks]))
        self._room = MAX_PAGE_STEPS
        self._limit = MAX_PAGE_DIAGRAM

    def alias(self, lens: Lens) -> None:
        """The subject of this lens has the diagrams that are drawn already."""
        for view in list(self.views):
            self.views.append(View(replace(lens, tasks=view.lens.tasks, fold=view.lens.fold), view.picture))

    def add(self, lens: Lens) -> bool:
        """Draw the subject in all variants. False: the page has no room. A missing subject has no diagram."""
        if self._room <= 0:
            return False
        with suppress(*self._may_be_gone):
            self._draw_both(lens)
            self._draw_both(replace(lens, tasks=_OTHER[lens.tasks]))
        return True

    def _draw_both(self, lens: Lens) -> None:
        """Draw the subject folded and unfolded."""
        if self._draw(lens):
            self._draw(replace(lens, fold=False))
        else:  # without folds it is the same diagram
            self.views.append(View(replace(lens, fold=False), self.views[-1].picture))

    def _draw(self, lens: Lens) -> bool:
        """Draw a diagram; answer whether it has folds."""
        diagram = self._source.diagram(lens, self._limit)
        digest = msgspec.json.encode(diagram)
        number = self._known.get(digest)
        if number is None:
            number = self._known[digest] = len(self.pictures)
            text = mermaid_text(diagram.steps, title=diagram.title, earlier=diagram.earlier, remedy=self._remedy).text
            picture = ArchivedDiagram(diagram.steps, diagram.earlier, text, diagram.open, diagram.internal)
            self.pictures.append(picture)
            self._room -= len(diagram.steps)
            self.shown.update(_lifecycles_of(diagram))
        self.views.append(View(lens, number))
        return any(isinstance(step, Begin) and step.fold for step in diagram.steps)


def _lifecycles_of(diagram: Diagram) -> Iterator[str | None]:
    for step in diagram.steps:
        yield getattr(step, "lifecycle", None)
