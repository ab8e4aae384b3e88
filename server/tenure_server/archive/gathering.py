"""Which diagrams a page carries: everything, each process, trace, resource and task, as far as there is room."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from tenure_server.archive.contents import Archive, Picture, View
from tenure_server.diagram import mermaid
from tenure_server.diagram.steps import Diagram, Lens
from tenure_server.limits import MAX_PAGE_DIAGRAM, MAX_PAGE_STEPS
from tenure_server.live.messages import Overview
from tenure_server.records import Lifecycle
from tenure_server.sources import Source


def gather(source: Source, trace: str | None) -> Archive:
    """Draw what the page shows, of one trace or of everything.

    Raises:
        UsageError: the source does not have the trace, or cannot be read.
    """
    lifecycles = source.lifecycles(trace)
    overview = _of(source.overview(), lifecycles) if trace is not None else source.overview()
    album = _Album(source)
    left_out = 0
    for lens in _lenses(overview, lifecycles, trace):
        if not album.add(lens):
            left_out += 1
    shown = album.shown
    return Archive(overview, album.views, album.pictures, [one for one in lifecycles if one.id in shown], left_out)


def _of(overview: Overview, lifecycles: list[Lifecycle]) -> Overview:
    """What the lifecycles of one trace have to do with."""
    traces = {lifecycle.trace for lifecycle in lifecycles}
    resources = {lifecycle.resource.id for lifecycle in lifecycles}
    processes = {lifecycle.process for lifecycle in lifecycles}
    return Overview(
        overview.now_ns,
        [process for process in overview.processes if process.id in processes],
        [trace for trace in overview.traces if trace.id in traces],
        [resource for resource in overview.resources if resource.id in resources],
    )


def _lenses(overview: Overview, lifecycles: list[Lifecycle], trace: str | None) -> Iterator[Lens]:
    """The subjects, those that are looked at first in front."""
    if trace is not None:
        yield Lens(trace=trace)
        return
    yield Lens(tasks="coroutine")
    for process in overview.processes:
        yield Lens(process=process.id, tasks="coroutine")
    for one in overview.traces:
        yield Lens(trace=one.id)
    for resource in overview.resources:
        yield Lens(resource=resource.id)
    for task in dict.fromkeys(lifecycle.task.id for lifecycle in reversed(lifecycles)):
        yield Lens(task=task)


class _Album:
    """The pictures so far. Equal ones are kept once: most subjects have nothing to fold or to group."""

    def __init__(self, source: Source) -> None:
        self.views: list[View] = []
        self.pictures: list[Picture] = []
        self.shown: set[str | None] = set()
        self._source = source
        self._known: dict[bytes, int] = {}
        self._room = MAX_PAGE_STEPS

    def add(self, lens: Lens) -> bool:
        """Draw the subject in all its ways; false: there is no room for it."""
        if self._room <= 0:
            return False
        for variant in _variants(lens):
            self._draw(variant)
        return True

    def _draw(self, lens: Lens) -> None:
        diagram = self._source.diagram(lens, MAX_PAGE_DIAGRAM)
        digest = msgspec.json.encode(diagram)
        number = self._known.get(digest)
        if number is None:
            number = self._known[digest] = len(self.pictures)
            self.pictures.append(Picture(diagram.steps, diagram.earlier, mermaid(diagram.steps)))
            self._room -= len(diagram.steps)
            self.shown.update(_told_of(diagram))
        self.views.append(View(lens, number))


def _variants(lens: Lens) -> Iterable[Lens]:
    """As it is first shown, and by each of the dashboard's two switches."""
    other = "task" if lens.tasks == "coroutine" else "coroutine"
    for tasks in (lens.tasks, other):
        for fold in (True, False):
            yield replace(lens, tasks=tasks, fold=fold)


def _told_of(diagram: Diagram) -> Iterator[str | None]:
    for step in diagram.steps:
        yield getattr(step, "lifecycle", None)
